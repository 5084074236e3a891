//! One attempt: a request out, an answer (or the reason why there is none) back.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::Response;
use tokio::time::Instant;

use crate::causes::told;
use crate::transport::authorize;
use crate::transport::client::TENANT;

use super::metrics::Endpoint;
use super::outcome::Answer;
use super::request::Request;
use super::settings::LokiSettings;

/// How much of an answer's body is read. Loki's texts name up to ten entries and the stream; what a broken proxy
/// sends must not cost memory.
const BODY: usize = 16 * 1024;

/// Sends a request once: the answer, or why there is none.
///
/// # Errors
/// When the request cannot be made (a secret's file is missing) or no answer comes; the text is for the log, with
/// all causes, without the URL.
pub async fn send(
    client: &reqwest::Client,
    settings: &LokiSettings,
    request: &Request,
    counts: &Endpoint,
) -> Result<Answer, String> {
    let mut builder = client
        .post(settings.url.clone())
        .timeout(settings.remote_timeout)
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header(CONTENT_ENCODING, "snappy")
        .body(request.body.clone());
    if let Some(tenant) = &settings.tenant_id {
        builder = builder.header(TENANT, tenant);
    }
    let builder = authorize(builder, &settings.client).map_err(|error| told(&error))?;
    let message = builder.build().map_err(|error| told(&error.without_url()))?;
    let headers = message.headers().clone();
    counts.size.observe(request.body.len() as f64);
    let started = Instant::now();
    let response = client.execute(message).await;
    let status = response.as_ref().ok().map(|response| response.status().as_u16());
    counts.answered(status, started.elapsed().as_secs_f64());
    let mut answer = read(response.map_err(|error| told(&error.without_url()))?).await;
    answer.body = hide(answer.body, &headers);
    Ok(answer)
}

/// What an answer says; of a body that breaks off or hangs, what came. The status alone decides.
async fn read(mut response: Response) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut body = Vec::new();
    while body.len() < BODY
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk[..chunk.len().min(BODY - body.len())]);
    }
    Answer {
        status,
        retry_after,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

/// Takes our credentials out of a body: what echoes requests (a debugging proxy) must not put them into our log.
fn hide(mut body: String, sent: &HeaderMap) -> String {
    let secrets = sent
        .values()
        .filter(|value| value.is_sensitive())
        .filter_map(|value| value.to_str().ok());
    for secret in secrets {
        let secret = secret.trim_start_matches("Basic ").trim_start_matches("Bearer ");
        if !secret.is_empty() && body.contains(secret) {
            body = body.replace(secret, "<secret>");
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn credentials_that_are_echoed_are_hidden() {
        let mut token = HeaderValue::from_static("Bearer hunter2");
        token.set_sensitive(true);
        let sent = HeaderMap::from_iter([
            (http::header::AUTHORIZATION, token),
            (CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf")),
        ]);
        let body = hide(
            "you sent Bearer hunter2 and application/x-protobuf".to_owned(),
            &sent,
        );
        assert_eq!(body, "you sent Bearer <secret> and application/x-protobuf");
    }

    #[test]
    fn causes_are_said_in_order() {
        let cause = std::io::Error::other("no such file");
        let error = crate::transport::SecretError {
            path: "/x".into(),
            source: cause,
        };
        assert_eq!(told(&error), "reading the secret in /x: no such file");
    }
}
