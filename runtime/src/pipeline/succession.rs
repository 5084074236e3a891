//! Which stage of a reloaded manifest takes over from which that runs.
//!
//! Both lists are matched in order (a stage that moved past another is a new one), so that as many stages as possible keep their
//! instance or what they hold. A stage that holds entries counts more than any that does not: what it has joined would be cut.

use millstream_plugin_host::{Grants, Limits};

use crate::manifest::OnError;

/// What a stage is made of: with the same it is the same stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageSpec {
    /// Its name in the pipeline.
    pub name: String,
    /// Its plugin's name in the manifest.
    pub plugin: String,
    /// Which component that is.
    pub sha256: String,
    /// Its settings.
    pub settings: serde_json::Value,
    /// What it may use.
    pub limits: Limits,
    /// What it may reach beside the host's functions.
    pub grants: Grants,
    /// How many log lines it may write in ten seconds.
    pub log_rate: u32,
    /// What becomes of entries it fails on.
    pub on_error: OnError,
    /// Whether it keeps entries back; known once it is configured.
    pub holds: bool,
}

/// The stages of a pipeline that runs.
#[derive(Clone, Debug)]
pub struct RunningStages {
    /// What each is made of.
    pub specs: Vec<StageSpec>,
    /// How many workers have one of each.
    pub workers: usize,
}

/// What a stage takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heritage {
    /// It is the stage in this place of the former list.
    Keeps(usize),
    /// It is another, and takes over what that stage holds.
    Adopts(usize),
    /// Nothing.
    None,
}

/// How good a match is; none when they have nothing to do with each other.
fn worth(former: &StageSpec, next: &StageSpec) -> Option<(u32, bool)> {
    // A holding stage outweighs all others of a pipeline, which has a few dozen at most.
    const HOLDS: u32 = 1000;
    if former.plugin != next.plugin {
        return None;
    }
    let same = *former
        == StageSpec {
            holds: former.holds,
            ..next.clone()
        };
    let holds = if former.holds { HOLDS } else { 0 };
    Some((holds + if same { 4 } else { 1 }, same))
}

/// For each of `next`, what it takes over from `former`.
#[must_use]
pub fn match_up(former: &[StageSpec], next: &[StageSpec]) -> Vec<Heritage> {
    // best[i][j]: the worth of the best matching of former[i..] with next[j..].
    let mut best = vec![vec![0_u32; next.len() + 1]; former.len() + 1];
    for i in (0..former.len()).rev() {
        for j in (0..next.len()).rev() {
            let matched = worth(&former[i], &next[j]).map_or(0, |(worth, _)| worth + best[i + 1][j + 1]);
            best[i][j] = matched.max(best[i + 1][j]).max(best[i][j + 1]);
        }
    }
    let mut heritage = vec![Heritage::None; next.len()];
    let (mut i, mut j) = (0, 0);
    while i < former.len() && j < next.len() {
        match worth(&former[i], &next[j]) {
            Some((worth, same)) if best[i][j] == worth + best[i + 1][j + 1] => {
                heritage[j] = if same {
                    Heritage::Keeps(i)
                } else {
                    Heritage::Adopts(i)
                };
                (i, j) = (i + 1, j + 1);
            }
            _ if best[i][j] == best[i + 1][j] => i += 1,
            _ => j += 1,
        }
    }
    heritage
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name` or `name=setting`; `multiline` holds.
    fn specs(list: &[&str]) -> Vec<StageSpec> {
        let spec = |text: &&str| {
            let (plugin, setting) = text.split_once('=').unwrap_or((text, ""));
            StageSpec {
                name: plugin.into(),
                plugin: plugin.into(),
                sha256: "0".into(),
                settings: setting.into(),
                limits: Limits::default(),
                grants: Grants::default(),
                log_rate: 20,
                on_error: OnError::Pass,
                holds: plugin == "multiline",
            }
        };
        list.iter().map(spec).collect()
    }

    fn matched(former: &[&str], next: &[&str]) -> Vec<Heritage> {
        match_up(&specs(former), &specs(next))
    }

    use Heritage::{Adopts, Keeps, None as Fresh};

    #[test]
    fn what_is_the_same_is_kept_wherever_others_come_and_go() {
        assert_eq!(matched(&["a", "b"], &["a", "b"]), [Keeps(0), Keeps(1)]);
        assert_eq!(
            matched(&["a", "b", "c"], &["x", "a", "c"]),
            [Fresh, Keeps(0), Keeps(2)]
        );
        assert_eq!(matched(&[], &["a"]), [Fresh]);
        assert_eq!(matched(&["a"], &[]), []);
    }

    #[test]
    fn what_has_other_settings_or_another_component_takes_over() {
        assert_eq!(matched(&["a=1", "b"], &["a=2", "b"]), [Adopts(0), Keeps(1)]);
        let former = specs(&["a"]);
        let mut next = specs(&["a"]);
        next[0].sha256 = "1".into();
        assert_eq!(match_up(&former, &next), [Adopts(0)]);
    }

    #[test]
    fn of_two_that_changed_places_the_one_that_holds_is_kept() {
        assert_eq!(
            matched(&["multiline", "a", "b", "c"], &["a", "b", "c", "multiline"]),
            [Fresh, Fresh, Fresh, Keeps(0)]
        );
        assert_eq!(
            matched(&["multiline=1", "a", "b"], &["a", "b", "multiline=2"]),
            [Fresh, Fresh, Adopts(0)]
        );
    }

    #[test]
    fn a_stage_is_taken_over_once() {
        let heritage = matched(&["a=1", "a=2", "a=3"], &["a=2", "a=4", "a=3", "a=3"]);
        let mut taken: Vec<usize> = heritage
            .iter()
            .filter_map(|heritage| match heritage {
                Keeps(from) | Adopts(from) => Some(*from),
                Fresh => None,
            })
            .collect();
        let count = taken.len();
        taken.dedup();
        assert_eq!(taken.len(), count);
        assert!(taken.is_sorted());
        assert_eq!(heritage[0], Keeps(1));
    }
}
