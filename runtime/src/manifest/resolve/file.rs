//! A file source.

use encoding_rs::Encoding;
use globset::GlobBuilder;

use super::cursor::At;
use crate::manifest::document::{FileDocument, LongLineWord, OnCheckpointErrorWord, StartAtWord};
use crate::sources::file::{FileSettings, LongLine, OnCheckpointError, StartAt};

impl From<StartAtWord> for StartAt {
    fn from(word: StartAtWord) -> Self {
        match word {
            StartAtWord::Beginning => Self::Beginning,
            StartAtWord::End => Self::End,
        }
    }
}

impl From<OnCheckpointErrorWord> for OnCheckpointError {
    fn from(word: OnCheckpointErrorWord) -> Self {
        match word {
            OnCheckpointErrorWord::Beginning => Self::Beginning,
            OnCheckpointErrorWord::End => Self::End,
            OnCheckpointErrorWord::Refuse => Self::Refuse,
        }
    }
}

impl From<LongLineWord> for LongLine {
    fn from(word: LongLineWord) -> Self {
        match word {
            LongLineWord::Truncate => Self::Truncate,
            LongLineWord::Skip => Self::Skip,
        }
    }
}

/// The settings of a file source.
pub fn settings(at: &At<'_>, document: &FileDocument) -> FileSettings {
    let default = FileSettings::default();
    let include_at = at.key("include");
    let include = globs(&include_at, document.include.as_deref());
    if include_at.is_missing() || include_at.is_empty_list() {
        include_at.refuse_key(
            format!("{} includes no files", at.subject()),
            "give at least one path or glob: `include: [\"/var/log/app/*.log\"]`",
        );
    }
    let labels = at.labels("labels", document.labels.as_ref());
    if labels.contains_key("filename") {
        at.key("labels").key("filename").refuse_key(
            format!("{} sets the label `filename`", at.subject()),
            "the source sets it to each file's path; choose another name",
        );
    }
    FileSettings {
        include,
        exclude: globs(&at.key("exclude"), document.exclude.as_deref()),
        labels,
        start_at: document.start_at.map_or(default.start_at, StartAt::from),
        on_checkpoint_error: document
            .on_checkpoint_error
            .map_or(default.on_checkpoint_error, OnCheckpointError::from),
        encoding: encoding(
            &at.key("encoding"),
            document.encoding.as_deref(),
            default.encoding,
        ),
        max_line_size: at.some_length(
            "max_line_size",
            document.max_line_size.as_ref(),
            default.max_line_size,
        ),
        on_long_line: document.on_long_line.map_or(default.on_long_line, LongLine::from),
        idle_flush: at.duration("idle_flush", document.idle_flush.as_ref(), default.idle_flush),
        rescan: at.some_duration("rescan", document.rescan.as_ref(), default.rescan),
    }
}

/// The globs, relative ones from the manifest's folder. They are compiled by the source; here only their form is checked.
fn globs(at: &At<'_>, globs: Option<&[String]>) -> Vec<String> {
    let mut checked = Vec::new();
    for (item, glob) in at.items().zip(globs.unwrap_or_default()) {
        if glob.trim().is_empty() {
            item.refuse(
                format!("{} is empty", item.subject()),
                "write a path or glob, or leave it away",
            );
            continue;
        }
        if let Err(why) = GlobBuilder::new(glob).literal_separator(true).build() {
            let fix = "globs know `*`, `**`, `?`, `[..]` and `{a,b}`; `[[]` matches a bracket itself";
            let kind = why.kind().to_string();
            item.refuse_because(format!("`{glob}` is no glob, in {}", at.subject()), kind, fix);
        }
        let folder = at.path("");
        let folder = folder.to_string_lossy();
        let glob = glob.strip_prefix("./").unwrap_or(glob);
        if folder.is_empty() || glob.starts_with('/') {
            checked.push(glob.to_owned());
        } else {
            checked.push(format!(
                "{}/{glob}",
                globset::escape(folder.trim_end_matches('/'))
            ));
        }
    }
    checked
}

fn encoding(at: &At<'_>, label: Option<&str>, default: String) -> String {
    let Some(label) = label else { return default };
    if Encoding::for_label(label.as_bytes()).is_none() {
        let fix = "use a WHATWG name, such as `utf-8`, `utf-16le`, `windows-1252`, `shift_jis`, `euc-kr` or `gb18030`";
        at.refuse(
            format!("`{label}` is no encoding known for {}", at.subject()),
            fix,
        );
    }
    label.to_owned()
}
