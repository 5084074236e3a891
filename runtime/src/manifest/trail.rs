//! The way from the manifest's root to one of its values, and how a message names it.

/// Keys and list indices, from the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trail(Vec<String>);

impl Trail {
    /// One step further.
    pub fn child(&self, step: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.to_owned());
        Self(steps)
    }

    /// One step back; the root's parent is the root.
    pub fn parent(&self) -> Self {
        let mut steps = self.0.clone();
        steps.pop();
        Self(steps)
    }

    /// The steps.
    pub fn steps(&self) -> &[String] {
        &self.0
    }

    /// What a person calls it: "source `app`", "`batch_wait` of sink `loki`", "stage 2 of pipeline `app`".
    pub fn subject(&self) -> String {
        let steps: Vec<&str> = self.0.iter().map(String::as_str).collect();
        match steps.as_slice() {
            [] => "the manifest".to_owned(),
            [section] => format!("`{section}`"),
            ["sources", name, _kind, inner @ ..] => inside(inner, &format!("source `{name}`")),
            ["sources", name] => format!("source `{name}`"),
            ["sinks", name, _kind, inner @ ..] => inside(inner, &format!("sink `{name}`")),
            ["sinks", name] => format!("sink `{name}`"),
            ["plugins", name, inner @ ..] => inside(inner, &format!("plugin `{name}`")),
            ["pipelines", name, "stages", index, inner @ ..] => {
                let number = index.parse::<usize>().map_or(0, |index| index + 1);
                inside(inner, &format!("stage {number} of pipeline `{name}`"))
            }
            ["pipelines", name, inner @ ..] => inside(inner, &format!("pipeline `{name}`")),
            other => inside(other, "the manifest"),
        }
    }
}

/// "`a.b[0]` of whole", or just the whole.
fn inside(steps: &[&str], whole: &str) -> String {
    let mut text = String::new();
    for step in steps {
        if step.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
            text.push_str(&format!("[{step}]"));
        } else {
            text.push_str(if text.is_empty() { "" } else { "." });
            text.push_str(step);
        }
    }
    if text.is_empty() {
        whole.to_owned()
    } else {
        format!("`{text}` of {whole}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_named_as_people_name_them() {
        for (steps, subject) in [
            ("", "the manifest"),
            ("sinks", "`sinks`"),
            ("sources/app", "source `app`"),
            ("sources/app/file", "source `app`"),
            ("sources/app/file/include/0", "`include[0]` of source `app`"),
            (
                "sinks/loki/loki/basic_auth/username",
                "`basic_auth.username` of sink `loki`",
            ),
            ("pipelines/app", "pipeline `app`"),
            ("pipelines/app/from", "`from` of pipeline `app`"),
            ("pipelines/app/stages/0", "stage 1 of pipeline `app`"),
            (
                "pipelines/app/stages/0/regex/expression",
                "`regex.expression` of stage 1 of pipeline `app`",
            ),
            ("plugins/redact/memory", "`memory` of plugin `redact`"),
        ] {
            let trail = steps
                .split('/')
                .filter(|s| !s.is_empty())
                .fold(Trail::default(), |t, s| t.child(s));
            assert_eq!(trail.subject(), subject);
        }
    }
}
