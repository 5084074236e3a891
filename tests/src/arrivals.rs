//! What has arrived of numbered entries, checked as it comes.
//!
//! Invariants checked for every entry: its text is whole to the last byte; its stream is that of its log and level;
//! nothing that the agent has on record as delivered comes again; per stream the order is kept ([`Order`]).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::bail;
use tokio::time::Instant;

use crate::numbered;

/// How many faults are told: the first ones say what is wrong.
const TOLD: usize = 10;

/// What order is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In one run of the agent every entry is newer than the one before of its stream: nothing comes twice.
    Strict,
    /// Entries that come for the first time are newer than those before: what had no answer may come again.
    First,
}

/// A stretch of one log: first and last number.
pub type Stretch = (u64, u64);

/// What has arrived.
pub struct Arrivals {
    order: Order,
    begun: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By log, by number less one: when it last came, in milliseconds from the start plus one; 0 is never.
    logs: BTreeMap<u32, Vec<u32>>,
    /// By run and stream: the last number.
    last: HashMap<(u64, String), u64>,
    /// By stream: the last number that came for the first time.
    first: HashMap<String, u64>,
    /// By run and log: what was on record as delivered when the run began.
    settled: HashMap<(u64, u32), Vec<Stretch>>,
    /// When the agent was killed.
    kills: Vec<u32>,
    /// The longest that an entry which came again had come before a kill, in milliseconds.
    oldest: u32,
    /// Entries of which only the first lines came.
    torn: Vec<(u32, u64)>,
    distinct: u64,
    entries: u64,
    faults: Vec<String>,
    fault_count: u64,
}

impl Inner {
    fn fault(&mut self, text: impl FnOnce() -> String) {
        self.fault_count += 1;
        if self.faults.len() < TOLD {
            self.faults.push(text());
        }
    }
}

impl Arrivals {
    /// Nothing yet.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Self {
            order,
            begun: Instant::now(),
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u32 {
        u32::try_from(self.begun.elapsed().as_millis()).unwrap_or(u32::MAX - 1) + 1
    }

    /// The agent is killed now.
    pub fn killed(&self) {
        let now = self.now();
        self.inner().kills.push(now);
    }

    /// Run `run` begins with this on record as delivered: it must not come again.
    pub fn settled(&self, run: u64, log: u32, stretches: Vec<Stretch>) {
        self.inner().settled.insert((run, log), stretches);
    }

    /// Takes entries of a stream that came in one run of the agent.
    pub fn take<'a>(&self, run: u64, labels: &str, lines: impl IntoIterator<Item = &'a str>) {
        let now = self.now();
        let mut inner = self.inner();
        let inner = &mut *inner;
        let key = (run, labels.to_owned());
        let mut last = inner.last.get(&key).copied().unwrap_or(0);
        let mut first = inner.first.get(labels).copied().unwrap_or(0);
        for line in lines {
            inner.entries += 1;
            let Some((log, number)) = numbered::parse(line) else {
                inner.fault(|| format!("no entry of ours: {line:?}"));
                continue;
            };
            let whole = numbered::entry(log, number);
            if line.len() < whole.len() && whole.starts_with(line) && whole.as_bytes()[line.len()] == b'\n' {
                inner.torn.push((log, number));
            } else if line != whole {
                inner.fault(|| format!("entry {number} of log {log} is torn: {line:?}"));
            }
            if !labels.contains(&format!("app-{log}.log\"")) {
                inner.fault(|| format!("entry {number} of log {log} has the stream {labels}"));
            }
            let settled = inner.settled.get(&(run, log));
            if settled.is_some_and(|all| all.iter().any(|(from, to)| (*from..=*to).contains(&number))) {
                inner.fault(|| {
                    format!("entry {number} of log {log} came again in run {run}, behind a saved checkpoint")
                });
            }
            let came = inner.logs.entry(log).or_default();
            let place = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
            if came.len() <= place {
                came.resize(place + 1, 0);
            }
            let before = came[place];
            came[place] = now;
            if before == 0 {
                inner.distinct += 1;
                if number <= first {
                    inner.fault(|| format!("entry {number} of log {log} came first after {first}: {labels}"));
                }
                first = first.max(number);
            } else if let Some(kill) = inner
                .kills
                .get(inner.kills.partition_point(|kill| *kill < before))
            {
                inner.oldest = inner.oldest.max(kill - before);
            }
            if self.order == Order::Strict && number <= last {
                inner.fault(|| {
                    format!("in run {run} entry {number} of log {log} came after {last}: {labels}")
                });
            }
            last = last.max(number);
        }
        inner.last.insert(key, last);
        inner.first.insert(labels.to_owned(), first);
    }

    /// How many different entries have come.
    #[must_use]
    pub fn distinct(&self) -> u64 {
        self.inner().distinct
    }

    /// How many entries have come, the same ones as often as they came.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.inner().entries
    }

    /// The longest that an entry which came again had come before the kill that made it come again.
    #[must_use]
    pub fn oldest_repeat(&self) -> Duration {
        Duration::from_millis(self.inner().oldest.into())
    }

    /// Whether entry `number` of `log` has come.
    #[must_use]
    pub fn has(&self, log: u32, number: u64) -> bool {
        let inner = self.inner();
        let place = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        inner
            .logs
            .get(&log)
            .and_then(|came| came.get(place))
            .is_some_and(|at| *at > 0)
    }

    /// What has not come of the first `written` entries of `log`.
    #[must_use]
    pub fn missing(&self, log: u32, written: u64) -> Vec<u64> {
        let inner = self.inner();
        let came = inner.logs.get(&log).map_or(&[][..], Vec::as_slice);
        (1..=written)
            .filter(|number| {
                let place = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
                came.get(place).is_none_or(|at| *at == 0)
            })
            .collect()
    }

    /// Waits until so many different entries have come. The wait ends when nothing new came for `patience`.
    ///
    /// # Errors
    /// When they do not come.
    pub async fn wait_for(&self, distinct: u64, patience: Duration) -> anyhow::Result<()> {
        let (mut before, mut since) = (self.distinct(), Instant::now());
        loop {
            let now = self.distinct();
            if now >= distinct {
                return Ok(());
            }
            if now > before {
                (before, since) = (now, Instant::now());
            }
            if since.elapsed() > patience {
                bail!("{now} of {distinct} entries have come, and none more for {patience:?}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Entries of which only the first lines came: log and number.
    #[must_use]
    pub fn torn(&self) -> Vec<(u32, u64)> {
        self.inner().torn.clone()
    }

    /// That nothing was torn, misplaced or out of order.
    ///
    /// # Errors
    /// When something was: the first faults.
    pub fn check(&self) -> anyhow::Result<()> {
        let torn = self.torn();
        if !torn.is_empty() {
            bail!(
                "{} entries are torn, the first (log, number): {:?}",
                torn.len(),
                &torn[..torn.len().min(TOLD)]
            );
        }
        self.check_but_torn()
    }

    /// The same, but entries may have lost their last lines.
    ///
    /// # Errors
    /// When something was: the first faults.
    pub fn check_but_torn(&self) -> anyhow::Result<()> {
        let inner = self.inner();
        if inner.fault_count > 0 {
            bail!("{} faults:\n{}", inner.fault_count, inner.faults.join("\n"));
        }
        Ok(())
    }
}

/// Numbers as stretches, for a message: the first ones.
#[must_use]
pub fn stretches(numbers: &[u64]) -> String {
    let mut all: Vec<Stretch> = Vec::new();
    for &number in numbers {
        match all.last_mut() {
            Some((_, to)) if *to + 1 == number => *to = number,
            _ => all.push((number, number)),
        }
    }
    let told: Vec<String> = all
        .iter()
        .take(TOLD)
        .map(|(from, to)| format!("{from}..={to}"))
        .collect();
    format!(
        "{} in {} stretches: {}",
        numbers.len(),
        all.len(),
        told.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "{filename=\"/logs/app-1.log\"}";

    fn lines(numbers: &[u64]) -> Vec<String> {
        numbers.iter().map(|number| numbered::entry(1, *number)).collect()
    }

    fn taken(order: Order, runs: &[(u64, &[u64])]) -> Arrivals {
        let arrivals = Arrivals::new(order);
        for (run, numbers) in runs {
            arrivals.take(*run, STREAM, lines(numbers).iter().map(String::as_str));
        }
        arrivals
    }

    #[test]
    fn a_new_run_may_go_back_but_not_behind_what_was_on_record() {
        assert!(
            taken(Order::Strict, &[(1, &[1, 2, 3]), (2, &[2, 3, 4])])
                .check()
                .is_ok()
        );
        let arrivals = taken(Order::Strict, &[(1, &[1, 2, 3])]);
        arrivals.settled(2, 1, vec![(1, 2)]);
        arrivals.take(2, STREAM, lines(&[3, 4]).iter().map(String::as_str));
        assert!(arrivals.check().is_ok());
        arrivals.take(2, STREAM, lines(&[2]).iter().map(String::as_str));
        assert!(arrivals.check().is_err());
    }

    #[test]
    fn what_is_repeated_or_out_of_order_in_a_run_is_a_fault() {
        assert!(taken(Order::Strict, &[(1, &[1, 2, 2])]).check().is_err());
        assert!(taken(Order::First, &[(1, &[1, 2, 1, 2, 3])]).check().is_ok());
        assert!(taken(Order::First, &[(1, &[1, 3, 2])]).check().is_err());
    }

    #[test]
    fn what_is_torn_misplaced_or_missing_is_seen() {
        let arrivals = Arrivals::new(Order::Strict);
        let (head, _) = numbered::entry(1, 20)
            .split_once('\n')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        arrivals.take(1, STREAM, [head.as_str()]);
        assert!(arrivals.check().unwrap_err().to_string().contains("torn"));
        let arrivals = Arrivals::new(Order::Strict);
        arrivals.take(
            1,
            "{filename=\"/logs/app-11.log\"}",
            lines(&[1]).iter().map(String::as_str),
        );
        assert!(arrivals.check().is_err());
        let arrivals = taken(Order::Strict, &[(1, &[1, 4])]);
        assert_eq!(arrivals.missing(1, 5), [2, 3, 5]);
        assert_eq!(stretches(&[2, 3, 5]), "3 in 2 stretches: 2..=3, 5..=5");
    }
}
