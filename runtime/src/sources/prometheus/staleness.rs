//! What a target has sent before: its series by the way they are written, and which of them still stand.
//!
//! A series that stops coming must be ended by a stale marker, or queries would show its last value for five more
//! minutes. Series with timestamps of their own are exempt, as in Prometheus: nobody knows when their next sample
//! would be due.
//!
//! The memory is bounded by the last successful scrape: what it did not contain is forgotten after it, and what only
//! a failed scrape brought is forgotten at once.

use std::collections::HashMap;

use millstream_batch::Labels;

/// The series of one target.
#[derive(Debug, Default)]
pub struct Series {
    // One series may be written in several ways; both maps point into `known`.
    written: HashMap<Box<str>, Written>,
    by_labels: HashMap<Labels, usize>,
    known: Vec<Option<Known>>,
    free: Vec<usize>,
    // The number of the scrape under way.
    round: u64,
}

#[derive(Debug)]
struct Written {
    series: usize,
    born: u64,
    round: u64,
}

#[derive(Debug)]
struct Known {
    labels: Labels,
    born: u64,
    // The last scrape it came in.
    round: u64,
    // Whether it came without a timestamp in the scrape under way.
    untimed: bool,
    // Whether it has been sent and not ended.
    stands: bool,
}

/// A series as the scrape under way meets it.
#[derive(Debug)]
pub struct Met {
    /// Its labels.
    pub labels: Labels,
    /// It came before in this scrape.
    pub again: bool,
}

impl Series {
    /// Begins a scrape.
    pub fn begin(&mut self) {
        self.round += 1;
    }

    /// Meets the series written like this, whose labels `labels` works out when it is new. `timed` says that the
    /// sample brings a timestamp.
    ///
    /// # Errors
    /// Those of `labels`.
    pub fn meet<E>(
        &mut self,
        written: &str,
        timed: bool,
        labels: impl FnOnce() -> Result<Labels, E>,
    ) -> Result<Met, E> {
        let series = match self.written.get_mut(written) {
            Some(found) => {
                found.round = self.round;
                found.series
            }
            None => {
                let series = self.intern(labels()?);
                let round = self.round;
                self.written.insert(
                    written.into(),
                    Written {
                        series,
                        born: round,
                        round,
                    },
                );
                series
            }
        };
        let Some(Some(known)) = self.known.get_mut(series) else {
            // Cannot be: both maps are emptied of a series before it is forgotten. Were it, the sample has no labels.
            return Ok(Met {
                labels: Labels::default(),
                again: true,
            });
        };
        let again = known.round == self.round;
        if !again {
            known.untimed = false;
        }
        known.round = self.round;
        known.untimed |= !timed;
        Ok(Met {
            labels: known.labels.clone(),
            again,
        })
    }

    fn intern(&mut self, labels: Labels) -> usize {
        if let Some(&series) = self.by_labels.get(&labels) {
            return series;
        }
        // Round 0 is before any scrape, so the series has not been met yet.
        let known = Known {
            labels: labels.clone(),
            born: self.round,
            round: 0,
            untimed: false,
            stands: false,
        };
        let series = self.free.pop().unwrap_or(self.known.len());
        match self.known.get_mut(series) {
            Some(place) => *place = Some(known),
            None => self.known.push(Some(known)),
        }
        self.by_labels.insert(labels, series);
        series
    }

    /// Ends a scrape that succeeded. Returns how many series were new, and those to be ended.
    pub fn succeed(&mut self) -> (usize, Vec<Labels>) {
        let round = self.round;
        let mut added = 0;
        let mut ended = Vec::new();
        for known in self.known.iter_mut().flatten() {
            let came = known.round == round;
            added += usize::from(came && known.born == round);
            let stands = came && known.untimed;
            // One that comes with a timestamp from now on is ended too: what follows is not due at any time.
            if std::mem::replace(&mut known.stands, stands) && !stands {
                ended.push(known.labels.clone());
            }
        }
        self.forget(|known| known.round == round, |written| written.round == round);
        (added, ended)
    }

    /// Ends a scrape that failed, or all scraping. Returns the series to be ended.
    pub fn fail(&mut self) -> Vec<Labels> {
        let round = self.round;
        let mut ended = Vec::new();
        for known in self.known.iter_mut().flatten() {
            if std::mem::take(&mut known.stands) {
                ended.push(known.labels.clone());
            }
            // Nothing of this scrape counts.
            known.round = 0;
        }
        self.forget(|known| known.born != round, |written| written.born != round);
        ended
    }

    // Ways of writing are forgotten by a rule of their own: an endpoint may never write a series the same way twice.
    fn forget(&mut self, keep: impl Fn(&Known) -> bool, keep_written: impl Fn(&Written) -> bool) {
        for (series, place) in self.known.iter_mut().enumerate() {
            if let Some(known) = place
                && !keep(known)
            {
                self.by_labels.remove(&known.labels);
                *place = None;
                self.free.push(series);
            }
        }
        let known = &self.known;
        self.written.retain(|_, written| {
            keep_written(written) && known.get(written.series).is_some_and(Option::is_some)
        });
    }

    /// How many series are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_labels.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_labels.is_empty()
    }
}

#[cfg(test)]
mod tests;
