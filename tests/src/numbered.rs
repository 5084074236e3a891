//! Numbered log entries: each says which it is and how it goes on, so whoever gets one can tell what is missing, torn
//! or out of order.
//!
//! They look like the user's log. The time of an entry is its number in milliseconds, so no two of a log share one:
//! with the stage `timestamp` the real Loki keeps each of them once.

/// Every so many entries is a stack trace.
pub const TRACE_EVERY: u64 = 20;

/// Levels of the entries that are no stack trace; those are errors.
const LEVELS: [&str; 4] = ["INFO ", "DEBUG", "WARN ", "TRACE"];

/// Entry `number` (from 1) of `log`, without its last line end.
#[must_use]
pub fn entry(log: u32, number: u64) -> String {
    let time = format!(
        "2026-01-{:02} {:02}:{:02}:{:02}.{:03}",
        8 + number / 86_400_000,
        number / 3_600_000 % 24,
        number / 60_000 % 60,
        number / 1000 % 60,
        number % 1000
    );
    let thread = number % 10;
    if number.is_multiple_of(TRACE_EVERY) {
        let frames: String = (0..8)
            .map(|k| {
                format!(
                    "\tat com.ticketon.seat.SeatService.lock{k}(SeatService.java:{}) ~[classes/:na]\n",
                    number + k
                )
            })
            .collect();
        return format!(
            "{time} ERROR 1 --- [nio-8080-exec-{thread}] c.t.common.GlobalExceptionHandler : number {number} of log {log}: \
             Unhandled exception\n\njava.lang.IllegalStateException: seat lock failed\n{frames}\
             Caused by: org.redisson.client.RedisTimeoutException: command timed out\n\t... {number} common frames omitted"
        );
    }
    let level = LEVELS[usize::try_from(number % 4).unwrap_or(0)];
    format!(
        "{time}  {level} 1 --- [nio-8080-exec-{thread}] c.t.order.OrderService : number {number} of log {log}: 예매 요청 수신 seat=A-{}",
        number % 401
    )
}

/// How many lines an entry has.
#[must_use]
pub fn lines(number: u64) -> u64 {
    if number.is_multiple_of(TRACE_EVERY) { 13 } else { 1 }
}

/// Which entry a text begins as: log and number.
#[must_use]
pub fn parse(text: &str) -> Option<(u32, u64)> {
    let (_, rest) = text.split_once(" : number ")?;
    let (number, rest) = rest.split_once(" of log ")?;
    let (log, _) = rest.split_once(':')?;
    Some((log.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_says_which_it_is() {
        for number in 1..100 {
            assert_eq!(parse(&entry(7, number)), Some((7, number)));
            assert_eq!(entry(7, number).lines().count() as u64, lines(number));
        }
        assert_eq!(parse("anything else"), None);
    }
}
