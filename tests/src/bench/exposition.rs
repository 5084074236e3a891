//! What it takes to read a page of metrics: a Spring Boot service's, many times over.

use anyhow::ensure;
use millstream_wire::exposition::{Event, Format, parse};
use tokio::time::Instant;

const PAGE: &str = include_str!("../../../runtime/wire/src/exposition/golden/spring.txt");

/// The page so often, as one.
const PAGES: usize = 200;

/// Rounds; the fastest counts.
const ROUNDS: usize = 20;

/// What came out.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// 10^6 bytes per second.
    pub rate: f64,
    /// Nanoseconds per sample.
    pub sample: f64,
}

/// Measures.
///
/// # Errors
/// When the page has no samples.
pub fn measure() -> anyhow::Result<Figure> {
    let page = PAGE.repeat(PAGES);
    let (mut fastest, mut samples) = (f64::INFINITY, 0_u32);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        samples = parse(page.as_bytes(), Format::Text)
            .filter(|event| matches!(event, Ok(Event::Sample(_))))
            .map(|_| 1)
            .sum();
        fastest = fastest.min(began.elapsed().as_secs_f64());
    }
    ensure!(samples > 0, "the page has no samples");
    #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
    let bytes = page.len() as f64;
    Ok(Figure {
        rate: bytes / fastest / 1e6,
        sample: fastest * 1e9 / f64::from(samples),
    })
}
