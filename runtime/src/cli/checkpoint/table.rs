//! Checkpoints as people and programs read them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sources::file::checkpoint::{Checkpoint, Saved};
use crate::sources::file::whereabouts::Whereabouts;

/// A checkpoint and what has become of its file.
#[derive(Clone, Debug)]
pub struct Row {
    /// As saved.
    pub checkpoint: Checkpoint,
    /// Where its file is.
    pub whereabouts: Whereabouts,
}

impl Row {
    /// How many bytes there are to deliver, as far as that is known.
    fn size(&self) -> Option<u64> {
        match &self.whereabouts {
            Whereabouts::Gone => None,
            _ if self.whereabouts.is_packed(&self.checkpoint) => self.checkpoint.unpacked,
            Whereabouts::Here(size) | Whereabouts::Renamed(_, size) => Some(*size),
        }
    }

    /// What else there is to say, in words.
    fn remark(&self) -> String {
        let place = match &self.whereabouts {
            Whereabouts::Here(_) => String::new(),
            Whereabouts::Renamed(path, _) => format!("renamed to {}", plain(&path.to_string_lossy())),
            Whereabouts::Gone => "gone".to_owned(),
        };
        let more = match self.size() {
            Some(size) if size < self.checkpoint.offset => "now shorter: will be read from its beginning",
            _ if self.whereabouts.is_packed(&self.checkpoint) => "offset in the unpacked text",
            _ => "",
        };
        [place.as_str(), more]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn seen(&self) -> String {
        let seconds = i64::try_from(self.checkpoint.seen).ok();
        let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        time.map_or_else(|| format!("@{}", self.checkpoint.seen), |time| time.to_string())
    }
}

/// Text without what would move a terminal's cursor.
fn plain(text: &str) -> String {
    let escaped = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(escaped).collect()
}

/// A table, a line per file.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    const RIGHT: [bool; 7] = [false, false, false, true, true, false, false];
    let head = [
        "SOURCE",
        "FILE",
        "DEVICE:INODE",
        "DELIVERED",
        "OF",
        "LAST SEEN",
        "",
    ]
    .map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let file = &row.checkpoint;
        [
            plain(&file.source),
            plain(&file.path),
            format!("{}:{}", file.device, file.inode),
            file.offset.to_string(),
            row.size().map_or_else(|| "?".to_owned(), |size| size.to_string()),
            row.seen(),
            row.remark(),
        ]
    });
    let lines: Vec<[String; 7]> = std::iter::once(head).chain(cells).collect();
    let mut widths = [0; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for ((cell, width), right) in line.iter().zip(widths).zip(RIGHT) {
            if right {
                row.push_str(&format!("{cell:>width$}  "));
            } else {
                row.push_str(&format!("{cell:<width$}  "));
            }
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// One JSON document.
#[must_use]
pub fn json(saved: &Saved, rows: &[Row]) -> String {
    let files = rows.iter().map(|row| {
        let file = &row.checkpoint;
        let (state, renamed_to) = match &row.whereabouts {
            Whereabouts::Here(_) => ("here", None),
            Whereabouts::Renamed(path, _) => ("renamed", Some(path.to_string_lossy())),
            Whereabouts::Gone => ("gone", None),
        };
        json!({
            "source": file.source,
            "path": file.path,
            "device": file.device,
            "inode": file.inode,
            "offset": file.offset,
            "size": row.size(),
            "state": state,
            "renamed_to": renamed_to,
            "packed": row.whereabouts.is_packed(file),
            "seen": file.seen,
        })
    });
    let broken = saved
        .broken
        .iter()
        .map(|file| json!({ "path": file.path.to_string_lossy(), "why": file.why }));
    let document = json!({
        "from": saved.from.as_ref().map(|path| path.to_string_lossy()),
        "broken": broken.collect::<Vec<Value>>(),
        "files": files.collect::<Vec<Value>>(),
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::file::checkpoint::BrokenFile;
    use crate::sources::file::identity::Fingerprint;

    fn row(path: &str, offset: u64, whereabouts: Whereabouts) -> Row {
        Row {
            checkpoint: Checkpoint {
                source: "app".into(),
                path: path.into(),
                real: None,
                device: 64769,
                inode: 131_074,
                born: None,
                fingerprint: Fingerprint::of(b"2026"),
                offset,
                unpacked: None,
                deleted: false,
                seen: 1_795_374_000,
            },
            whereabouts,
        }
    }

    fn rows() -> Vec<Row> {
        let mut packed = row("/var/log/old.log.gz", 300, Whereabouts::Here(40));
        packed.checkpoint.unpacked = Some(300);
        vec![
            row("/var/log/app.log", 1_048_576, Whereabouts::Here(2_097_152)),
            row(
                "/var/log/app.log",
                77,
                Whereabouts::Renamed("/var/log/app.log.1".into(), 77),
            ),
            row("/var/log/예매.log", 0, Whereabouts::Gone),
            row("/var/log/cut\n.log", 500, Whereabouts::Here(5)),
            packed,
        ]
    }

    #[test]
    fn a_table_says_where_every_file_is() {
        let expected = "\
SOURCE  FILE                 DEVICE:INODE  DELIVERED       OF  LAST SEEN
app     /var/log/app.log     64769:131074    1048576  2097152  2026-11-22T19:00:00Z
app     /var/log/app.log     64769:131074         77       77  2026-11-22T19:00:00Z  renamed to /var/log/app.log.1
app     /var/log/예매.log      64769:131074          0        ?  2026-11-22T19:00:00Z  gone
app     /var/log/cut\\n.log   64769:131074        500        5  2026-11-22T19:00:00Z  now shorter: will be read from its beginning
app     /var/log/old.log.gz  64769:131074        300      300  2026-11-22T19:00:00Z  offset in the unpacked text
";
        assert_eq!(text(&rows()), expected);
        assert_eq!(
            text(&[]),
            "SOURCE  FILE  DEVICE:INODE  DELIVERED  OF  LAST SEEN\n"
        );
    }

    #[test]
    fn json_says_the_same() {
        let saved = Saved {
            from: Some("/s/checkpoints.json.1".into()),
            broken: vec![BrokenFile {
                path: "/s/checkpoints.json".into(),
                why: "torn".into(),
            }],
            files: Vec::new(),
        };
        let value: Value = serde_json::from_str(&json(&saved, &rows())).unwrap();
        assert_eq!(value["from"], "/s/checkpoints.json.1");
        assert_eq!(
            value["broken"][0],
            json!({"path": "/s/checkpoints.json", "why": "torn"})
        );
        assert_eq!(
            value["files"][1],
            json!({
                "source": "app", "path": "/var/log/app.log", "device": 64769, "inode": 131_074, "offset": 77,
                "size": 77, "state": "renamed", "renamed_to": "/var/log/app.log.1", "packed": false,
                "seen": 1_795_374_000_u64
            })
        );
        assert_eq!(
            (&value["files"][2]["size"], &value["files"][2]["state"]),
            (&Value::Null, &json!("gone"))
        );
        assert_eq!(value["files"][4]["packed"], true);
    }
}
