//! The sinks that push over HTTP.

use http::HeaderValue;

use super::cursor::At;
use crate::delivery::spool::WhenFull;
use crate::manifest::document::{FormatWord, LokiDocument, RemoteWriteDocument};
use crate::sinks::console::ConsoleFormat;
use crate::sinks::loki::LokiSettings;
use crate::sinks::remote_write::RemoteWriteSettings;
use crate::transport::Backoff;

impl From<FormatWord> for ConsoleFormat {
    fn from(word: FormatWord) -> Self {
        match word {
            FormatWord::Text => Self::Text,
            FormatWord::Json => Self::Json,
        }
    }
}

/// The settings of a Loki sink.
pub fn loki(at: &At<'_>, document: &LokiDocument) -> Option<LokiSettings> {
    let url = at.url(
        "url",
        document.url.as_deref(),
        "http://loki:3100/loki/api/v1/push",
    )?;
    let client = at.client(&document.client());
    let header = client
        .headers
        .keys()
        .find(|name| name.eq_ignore_ascii_case("x-scope-orgid"));
    if let (Some(header), Some(_)) = (header, &document.tenant_id) {
        let message = format!("{} has both `tenant_id` and the header `{header}`", at.subject());
        at.key("headers")
            .key(header)
            .refuse_key(message, "`tenant_id` sets that header: keep one of them");
    }
    if document
        .tenant_id
        .as_ref()
        .is_some_and(|tenant| HeaderValue::from_str(tenant).is_err())
    {
        let tenant = at.key("tenant_id");
        tenant.refuse(
            format!("{} holds characters a header cannot", tenant.subject()),
            "write it on one line",
        );
    }
    let default = LokiSettings::new(url);
    let min = ("min_backoff_period", document.min_backoff_period.as_ref());
    let max = ("max_backoff_period", document.max_backoff_period.as_ref());
    Some(LokiSettings {
        tenant_id: document.tenant_id.clone(),
        batch_wait: at.some_duration("batch_wait", document.batch_wait.as_ref(), default.batch_wait),
        batch_size: at.some_length("batch_size", document.batch_size.as_ref(), default.batch_size),
        backoff: Backoff {
            retries: document.max_backoff_retries.filter(|retries| *retries > 0),
            ..at.backoff(min, max, &default.backoff)
        },
        remote_timeout: at.some_duration(
            "remote_timeout",
            document.remote_timeout.as_ref(),
            default.remote_timeout,
        ),
        client,
        spool: at.spool(document.spool.as_ref(), None, WhenFull::Block),
        limits: at.limits(document.limits.as_ref()),
        url: default.url,
    })
}

/// The settings of a remote-write sink.
pub fn remote_write(at: &At<'_>, document: &RemoteWriteDocument) -> Option<RemoteWriteSettings> {
    let url = at.url(
        "url",
        document.url.as_deref(),
        "http://prometheus:9090/api/v1/write",
    )?;
    let mut settings = RemoteWriteSettings::new(url);
    settings.external_labels = at.labels("external_labels", document.external_labels.as_ref());
    settings.remote_timeout = at.some_duration(
        "remote_timeout",
        document.remote_timeout.as_ref(),
        settings.remote_timeout,
    );
    settings.client = at.client(&document.client());
    settings.spool = at.spool(document.spool.as_ref(), settings.spool, WhenFull::DropOldest);
    if let Some(queue) = &document.queue_config {
        let at = at.key("queue_config");
        settings.capacity = at.length("capacity", queue.capacity, settings.capacity);
        settings.max_samples_per_send = at.length(
            "max_samples_per_send",
            queue.max_samples_per_send,
            settings.max_samples_per_send,
        );
        settings.batch_send_deadline = at.some_duration(
            "batch_send_deadline",
            queue.batch_send_deadline.as_ref(),
            settings.batch_send_deadline,
        );
        let min = ("min_backoff", queue.min_backoff.as_ref());
        let max = ("max_backoff", queue.max_backoff.as_ref());
        settings.backoff = at.backoff(min, max, &settings.backoff);
        if settings.capacity < settings.max_samples_per_send {
            let (capacity, per_send) = (settings.capacity, settings.max_samples_per_send);
            let message = format!("`capacity` ({capacity}) is less than `max_samples_per_send` ({per_send})");
            let key = if queue.capacity.is_some() {
                "capacity"
            } else {
                "max_samples_per_send"
            };
            at.key(key).refuse(
                message,
                "a full request would never come together: raise `capacity`",
            );
        }
    }
    Some(settings)
}
