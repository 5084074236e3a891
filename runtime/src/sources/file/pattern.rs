//! Globs as people write them: `*`, `**`, `?`, `[..]`, `{a,b}`.
//!
//! Invariants: `*` and `?` never cross a `/`; `**` is any number of directories, and only when it stands alone
//! between slashes; a leading dot is nothing special; every pattern is absolute (a relative one starts at the
//! working directory).
//!
//! A pattern is kept in pieces, one per directory level, so that a walk can take literal names without listing
//! their directory and never enters a directory that no file of interest can be in.

use std::path::{Path, PathBuf};

use globset::{Glob, GlobBuilder, GlobMatcher};

/// A glob that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It is not well-formed.
    #[error("the glob {glob:?} is not well-formed")]
    Glob {
        /// As written.
        glob: String,
        /// What is wrong.
        source: globset::Error,
    },
    /// It has too many alternatives.
    #[error("the glob {glob:?} stands for more than {MAX_ALTERNATIVES} patterns: write fewer `{{a,b}}`")]
    Alternatives {
        /// As written.
        glob: String,
    },
    /// A relative glob without a working directory.
    #[error("finding the working directory, which the glob {glob:?} is relative to")]
    Relative {
        /// As written.
        glob: String,
        /// Why there is none.
        source: std::io::Error,
    },
}

/// The most patterns that one glob with braces may stand for: braces multiply, and each pattern is a walk.
const MAX_ALTERNATIVES: usize = 1024;

/// One directory level of a pattern.
#[derive(Clone, Debug)]
pub enum Piece {
    /// This name.
    Name(String),
    /// Any name like this.
    Like(GlobMatcher),
    /// Any number of levels.
    Deep,
}

/// A pattern to walk, level by level from the root.
#[derive(Clone, Debug)]
pub struct Walk(pub Vec<Piece>);

/// The walks a glob stands for: one per choice of alternatives.
///
/// # Errors
/// When the glob is not well-formed.
pub fn walks(glob: &str) -> Result<Vec<Walk>, PatternError> {
    let whole = absolute(glob)?;
    // The glob as a whole is checked first: its message then names the glob and not a piece of it.
    compile(&whole).map_err(|source| PatternError::Glob {
        glob: glob.to_owned(),
        source,
    })?;
    let mut patterns = Vec::new();
    if !expand(&whole, &mut patterns) {
        return Err(PatternError::Alternatives {
            glob: glob.to_owned(),
        });
    }
    patterns.iter().map(|pattern| walk(pattern, glob)).collect()
}

fn walk(pattern: &str, glob: &str) -> Result<Walk, PatternError> {
    let mut pieces: Vec<Piece> = Vec::new();
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        let piece = if part == "**" {
            if matches!(pieces.last(), Some(Piece::Deep)) {
                continue;
            }
            Piece::Deep
        } else if part.contains(['*', '?', '[', '\\']) {
            let matcher = compile(part)
                .map_err(|source| PatternError::Glob {
                    glob: glob.to_owned(),
                    source,
                })?
                .compile_matcher();
            Piece::Like(matcher)
        } else {
            Piece::Name(part.to_owned())
        };
        pieces.push(piece);
    }
    // `dir/**` is everything below `dir`.
    if matches!(pieces.last(), Some(Piece::Deep)) {
        let any = compile("*").map_err(|source| PatternError::Glob {
            glob: glob.to_owned(),
            source,
        })?;
        pieces.push(Piece::Like(any.compile_matcher()));
    }
    Ok(Walk(pieces))
}

fn compile(pattern: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
}

fn absolute(glob: &str) -> Result<String, PatternError> {
    if glob.starts_with('/') {
        return Ok(glob.to_owned());
    }
    let here = std::env::current_dir().map_err(|source| PatternError::Relative {
        glob: glob.to_owned(),
        source,
    })?;
    let here = globset::escape(&here.to_string_lossy());
    Ok(format!("{here}/{}", glob.strip_prefix("./").unwrap_or(glob)))
}

/// Writes out the alternatives of the first brace, then those of what comes of it. False: too many.
fn expand(pattern: &str, into: &mut Vec<String>) -> bool {
    let Some((open, close, commas)) = first_brace(pattern) else {
        into.push(pattern.to_owned());
        return into.len() <= MAX_ALTERNATIVES;
    };
    let mut start = open + 1;
    commas.into_iter().chain([close]).all(|end| {
        let choice = &pattern[start..end];
        start = end + 1;
        expand(
            &format!("{}{choice}{}", &pattern[..open], &pattern[close + 1..]),
            into,
        )
    })
}

/// Where the first brace opens and closes, and the commas that are its own.
fn first_brace(pattern: &str) -> Option<(usize, usize, Vec<usize>)> {
    let (mut open, mut depth, mut commas) = (None, 0usize, Vec::new());
    let mut escaped = false;
    let mut class: Option<usize> = None;
    for (at, byte) in pattern.bytes().enumerate() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        if let Some(begun) = class {
            // `]` as the first member of a class, negated or not, stands for itself.
            let first =
                at == begun + 1 || (at == begun + 2 && matches!(pattern.as_bytes()[begun + 1], b'!' | b'^'));
            if byte == b']' && !first {
                class = None;
            }
            continue;
        }
        match byte {
            b'\\' => escaped = true,
            b'[' => class = Some(at),
            b'{' => {
                depth += 1;
                open = open.or(Some(at));
            }
            b',' if depth == 1 => commas.push(at),
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return Some((open?, at, commas));
                }
            }
            _ => {}
        }
    }
    None
}

/// What to leave out.
#[derive(Clone, Debug)]
pub struct Exclusion {
    path: GlobMatcher,
    /// Directories of which nothing is wanted: `dir` of `dir/**`.
    below: Option<GlobMatcher>,
}

impl Exclusion {
    /// From a glob, matched against the path as found.
    ///
    /// # Errors
    /// When the glob is not well-formed.
    pub fn new(glob: &str) -> Result<Self, PatternError> {
        let pattern = absolute(glob)?;
        let compile = |pattern: &str| {
            compile(pattern)
                .map(|glob| glob.compile_matcher())
                .map_err(|source| PatternError::Glob {
                    glob: glob.to_owned(),
                    source,
                })
        };
        let below = pattern
            .strip_suffix("/**")
            .or_else(|| pattern.strip_suffix("/**/*"));
        Ok(Self {
            path: compile(&pattern)?,
            below: below.map(compile).transpose()?,
        })
    }

    /// Whether the file at `path` is left out.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        self.path.is_match(path)
    }

    /// Whether everything below the directory `path` is left out.
    #[must_use]
    pub fn covers_below(&self, path: &Path) -> bool {
        self.below.as_ref().is_some_and(|below| below.is_match(path))
    }
}

impl Walk {
    /// Whether the walk would come to `path`.
    #[must_use]
    pub fn matches(&self, path: &Path) -> bool {
        let names: Vec<PathBuf> = path
            .components()
            .skip(1)
            .map(|component| PathBuf::from(component.as_os_str()))
            .collect();
        matches(&self.0, &names)
    }
}

fn matches(pieces: &[Piece], names: &[PathBuf]) -> bool {
    match (pieces.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((Piece::Deep, rest)), next) => {
            matches(rest, names) || next.is_some_and(|(_, names)| matches(pieces, names))
        }
        (Some((piece, pieces)), Some((name, names))) => {
            let fits = match piece {
                Piece::Name(known) => name.as_os_str() == known.as_str(),
                Piece::Like(glob) => glob.is_match(name),
                Piece::Deep => false,
            };
            fits && matches(pieces, names)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(glob: &str, path: &str) -> bool {
        walks(glob)
            .unwrap()
            .iter()
            .any(|walk| walk.matches(Path::new(path)))
    }

    #[test]
    fn globs_mean_what_people_expect() {
        for (glob, yes, no) in [
            ("/var/log/*.log", "/var/log/a.log", "/var/log/app/a.log"),
            ("/var/log/**/*.log", "/var/log/a.log", "/var/log/a.txt"),
            ("/var/log/**/*.log", "/var/log/x/y/a.log", "/var/a.log"),
            ("/var/log/**", "/var/log/x/y", "/var/log"),
            ("/v/{a,b/c}/?.log", "/v/b/c/1.log", "/v/b/1.log"),
            ("/v/{a,b{1,2}}", "/v/b2", "/v/b"),
            ("/v/app{,.1}.log", "/v/app.log", "/v/app.2.log"),
            ("/v/[a-c]1", "/v/b1", "/v/d1"),
            ("/v/[!a]", "/v/b", "/v/a"),
            ("/v/[{,}]x", "/v/,x", "/v/x"),
            (r"/v/\{a\}", "/v/{a}", "/v/a"),
            ("/v/*", "/v/.hidden", "/v/.hidden/x"),
        ] {
            assert!(hits(glob, yes), "{glob} should match {yes}");
            assert!(!hits(glob, no), "{glob} should not match {no}");
        }
    }

    #[test]
    fn a_relative_glob_starts_at_the_working_directory() {
        let path = std::env::current_dir().unwrap().join("logs/a.log");
        assert!(hits("logs/*.log", path.to_str().unwrap()));
        assert!(hits("./logs/*.log", path.to_str().unwrap()));
    }

    #[test]
    fn what_is_wrong_names_the_glob() {
        let error = walks("/var/[a").unwrap_err();
        assert!(error.to_string().contains("/var/[a"), "{error}");
        assert!(Exclusion::new("/var/{a").is_err());
        let many = format!("/{}", "{a,b}".repeat(20));
        assert!(matches!(walks(&many), Err(PatternError::Alternatives { .. })));
    }

    #[test]
    fn a_directory_is_passed_over_only_when_all_of_it_is_excluded() {
        let all = Exclusion::new("/var/log/old/**").unwrap();
        assert!(all.covers(Path::new("/var/log/old/x/y.log")));
        assert!(all.covers_below(Path::new("/var/log/old")));
        let some = Exclusion::new("/var/log/*").unwrap();
        assert!(some.covers(Path::new("/var/log/a")));
        assert!(
            !some.covers_below(Path::new("/var/log/a")),
            "/var/log/a/b is still wanted"
        );
    }
}
