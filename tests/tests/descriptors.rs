//! More files than may be open at once.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not marked as tests themselves"
)]

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use millstream_tests::binary;

/// Killed when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The numbers of the files whose line has come.
fn came(out: &Path) -> HashSet<u32> {
    let text = fs::read_to_string(out).unwrap();
    let numbers = text.split("line of ").skip(1).filter_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    numbers.collect()
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_once_and_read_when_others_are_gone() {
    const FILES: u32 = 300;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let log = |number: u32| path(&format!("app-{number}.log"));
    for number in 0..FILES {
        fs::write(log(number), format!("line of {number} .\n")).unwrap();
    }
    let manifest = format!(
        "sources:\n  app: {{ file: {{ include: [\"{}/*.log\"], rescan: 1s }} }}\npipelines:\n  app: {{ from: [app], to: [out] }}\n\
         sinks:\n  out: {{ console: {{}} }}\n",
        folder.path().display()
    );
    fs::write(path("m.yaml"), manifest).unwrap();
    // 256 for both limits, so that raising the soft one does not help.
    let child = Command::new("sh")
        .args(["-c", "ulimit -n 256; exec \"$0\" \"$@\""])
        .arg(binary().unwrap())
        .arg("run")
        .arg(path("m.yaml"))
        .args(["--listen", "127.0.0.1:0", "--storage-path"])
        .arg(path("state"))
        .stdout(File::create(path("out")).unwrap())
        .stderr(File::create(path("err")).unwrap())
        .spawn()
        .unwrap();
    let _running = Running(child);
    let mut told = String::new();
    let mut round = 0;
    while came(&path("out")).len() < FILES as usize {
        assert!(round < 600, "{} came\n{told}", came(&path("out")).len());
        round += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
        told = fs::read_to_string(path("err")).unwrap();
        if told.contains("too many files") && round % 10 == 0 {
            let read = came(&path("out"));
            assert!(read.len() > 100, "only {} of them are read at once", read.len());
            for number in read {
                // It may have been removed in a round before.
                let _ = fs::remove_file(log(number));
            }
        }
    }
    assert_eq!(told.matches("too many files").count(), 1, "{told}");
    assert!(told.contains("ulimit -n"), "{told}");
    assert!(
        path("state/checkpoints.json").exists(),
        "descriptors are left for saving"
    );
}
