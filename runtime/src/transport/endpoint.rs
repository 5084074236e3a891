//! How an endpoint is shown: a URL without what may be secret in it.

use url::Url;

/// Scheme, host, port and path. The user, the password, the query and the fragment may be secrets and are left out.
#[must_use]
pub fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), authority(url), url.path())
}

/// Host and port as written (`loki:3100`): the metric label `host`.
#[must_use]
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out() {
        let url: Url = "https://me:hunter2@loki:3100/push?token=hunter2#hunter2"
            .parse()
            .unwrap();
        assert_eq!(shown(&url), "https://loki:3100/push");
        assert_eq!(authority(&url), "loki:3100");
        assert_eq!(authority(&"http://[::1]/x".parse().unwrap()), "[::1]");
    }
}
