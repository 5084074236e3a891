//! Descriptors: how many files may be open at once.
//!
//! Invariant: the last [`RESERVE`] are never taken for tailed files, because without them nothing could be sent and no
//! checkpoint saved. Whoever is too many is opened when others were closed.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use rlimit::Resource;

/// Descriptors kept for connections, checkpoints, spools and libraries.
const RESERVE: u64 = 64;

/// Raises the number of files this process may open to what the system allows it; the soft limit is low only because
/// of programs that use `select`. Says so when it cannot.
pub fn raise() {
    let raised = Resource::NOFILE.get().and_then(|(soft, hard)| {
        if soft < hard {
            Resource::NOFILE.set(hard, hard)
        } else {
            Ok(())
        }
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files could not be raised (ulimit -n)");
    }
}

/// What a source knows of the descriptors there are.
#[derive(Debug)]
pub struct Descriptors {
    /// The first number that is not for tailed files.
    end: u64,
    limit: u64,
    /// Files of this scan could not be opened.
    short: bool,
    told: bool,
}

impl Default for Descriptors {
    fn default() -> Self {
        Self::new()
    }
}

impl Descriptors {
    /// As the process has them now.
    #[must_use]
    pub fn new() -> Self {
        let soft = Resource::NOFILE.get_soft().unwrap_or(u64::MAX);
        Self::of(soft)
    }

    fn of(soft: u64) -> Self {
        Self {
            end: soft.saturating_sub(RESERVE).max(soft / 2),
            limit: soft,
            short: false,
            told: false,
        }
    }

    /// A scan begins: perhaps there are more now.
    pub fn begin(&mut self) {
        self.short = false;
    }

    /// Whether another file may be opened in this scan.
    #[must_use]
    pub fn any_left(&self) -> bool {
        !self.short
    }

    /// Whether an error means that there are none left.
    pub fn exhausted_by(&mut self, error: &io::Error) -> bool {
        self.short |= matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE));
        self.short
    }

    /// Refuses a file that was opened with one of the last descriptors. The system gives the lowest that is free.
    ///
    /// # Errors
    /// As if there were none left.
    pub fn keep_some(&self, file: &File) -> io::Result<()> {
        match u64::try_from(file.as_raw_fd()) {
            Ok(number) if number >= self.end => Err(io::Error::from_raw_os_error(libc::EMFILE)),
            _ => Ok(()),
        }
    }

    /// A scan has ended: says what has changed.
    pub fn tell(&mut self) {
        if self.short && !self.told {
            tracing::error!(
                limit = self.limit,
                "too many files: some are not read until others are closed; raise the limit of open files \
                 (`ulimit -n`, `LimitNOFILE=` of the systemd unit) or narrow `include`"
            );
        } else if self.told && !self.short {
            tracing::info!("all files can be opened again");
        }
        self.told = self.short;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_kept_and_a_lack_ends_with_the_scan() {
        let file = File::open("/dev/null").unwrap();
        let number = u64::try_from(file.as_raw_fd()).unwrap();
        let mut descriptors = Descriptors::of(number);
        descriptors.begin();
        let error = descriptors.keep_some(&file).unwrap_err();
        assert!(!descriptors.exhausted_by(&io::Error::from(io::ErrorKind::NotFound)));
        assert!(descriptors.any_left() && descriptors.exhausted_by(&error) && !descriptors.any_left());
        descriptors.tell();
        descriptors.begin();
        assert!(descriptors.any_left());
        Descriptors::of(2 * number + 2 * RESERVE + 2)
            .keep_some(&file)
            .unwrap();
        assert_eq!(Descriptors::of(1024).end, 1024 - RESERVE);
        assert_eq!(Descriptors::of(20).end, 10, "half of few is better than none");
    }
}
