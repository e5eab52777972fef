//! Whose pages may connect. A browser says in `Origin` which page asks; it is compared as origins are (RFC 6454): scheme,
//! host and port, with the ports that schemes have by default.
//!
//! A page is this server's own when it comes from where the request went. That alone is not enough: any site can give
//! its name this machine's address (DNS rebinding). So the name has to be one that nobody else can have, or one that the
//! server was told.

use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, Uri, header};
use serde::Deserialize;
use url::{Host, Url};

/// What proxies keep the `Host` and the port of the original request in. No page can set them for a WebSocket, so they
/// are believed from everybody; trunk serve needs them.
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// Where pages come from: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |why: &str| Err(format!("{text:?} is no origin, such as https://chat.example.org: {why}"));
        if text == "*" {
            return wrong("pages of all sites cannot be let in; name each");
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return wrong("it has white space in it");
        }
        let url = match Url::parse(text) {
            Ok(url) if text.contains("://") => url,
            Err(error) if text.contains("://") => return wrong(&error.to_string()),
            _ => return wrong("it begins with the scheme, http:// or https://"),
        };
        let host = match (url.host(), url.host_str()) {
            (Some(Host::Ipv4(host)), _) => Host::Ipv4(host),
            (Some(Host::Ipv6(host)), _) => Host::Ipv6(host),
            (_, Some(name)) if !name.is_empty() => Host::Domain(without_root(&name.to_ascii_lowercase())),
            _ => return wrong("it has no host"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("it has a user in it");
        }
        if !matches!(url.path(), "" | "/") {
            return wrong("it has a path; leave out what comes after the host");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("leave out what comes after the host");
        }
        let port = url.port_or_known_default();
        Ok(Self { scheme: url.scheme().to_owned(), host, port })
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// `example.org.` is `example.org`.
fn without_root(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_owned()
}

/// Host and port, as `Host` has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    host: Host,
    port: Option<u16>,
}

impl Authority {
    fn parse(text: &str) -> Option<Self> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        if !text.bytes().all(legal) {
            return None;
        }
        let end_of_host = text.find(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match text[end_of_host..].find(':') {
            Some(colon) => (&text[..end_of_host + colon], &text[end_of_host + colon + 1..]),
            None => (text, ""),
        };
        let port = match port {
            "" => None,
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            _ => return None,
        };
        let host = match Host::parse(host).ok()? {
            Host::Domain(name) => Host::Domain(without_root(&name)),
            address => address,
        };
        Some(Self { host, port })
    }
}

impl std::fmt::Display for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => self.host.fmt(f),
        }
    }
}

/// A `Host` that RFC 9112 section 3.2 refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadHost;

/// Where a request went, by its own account.
#[derive(Debug)]
pub(crate) struct Target {
    /// The first is that of the request itself, the others were kept by proxies.
    authorities: Vec<Authority>,
}

impl Target {
    /// Reads the request's `Host`, of which there has to be one unless it is of HTTP/1.0, and what proxies kept.
    pub(crate) fn read(uri: &Uri, headers: &HeaderMap, host_needed: bool) -> Result<Self, BadHost> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let mut authorities = Vec::new();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => {
                let host = host.to_str().ok().and_then(Authority::parse).ok_or(BadHost)?;
                // A target with a host of its own wins over the header, RFC 9112 section 3.2.2.
                let absolute =
                    uri.authority().map(|authority| Authority::parse(authority.as_str()).ok_or(BadHost));
                authorities.push(absolute.transpose()?.unwrap_or(host));
            }
            (None, None) if !host_needed => {}
            _ => return Err(BadHost),
        }
        let values = |name: &HeaderName| {
            let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
            texts.flat_map(|text| text.split(',')).map(str::trim).map(str::to_owned).collect::<Vec<_>>()
        };
        authorities.extend(values(&FORWARDED_HOST).iter().filter_map(|host| Authority::parse(host)));
        let port = values(&FORWARDED_PORT).first().and_then(|port| port.parse().ok());
        for authority in &mut authorities {
            authority.port = authority.port.or(port);
        }
        Ok(Self { authorities })
    }
}

/// The origins that the server was told.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// Lets pages of these origins in too, and answers to the names of their hosts.
    pub fn new(told: Vec<Origin>) -> Self {
        Self(told)
    }

    /// Whether nobody else can give this name this machine's address, or the server was told of it.
    fn is_named(&self, host: &Host) -> bool {
        match host {
            Host::Ipv4(_) | Host::Ipv6(_) => true,
            Host::Domain(name) => {
                name == "localhost"
                    || name.ends_with(".localhost")
                    || self.0.iter().any(|told| told.host == *host)
            }
        }
    }

    /// The name that a request without a page behind it calls the server by, if it is not one of its own.
    pub(crate) fn wrong_name<'a>(&self, target: &'a Target) -> Option<&'a Authority> {
        let named = target.authorities.iter().any(|authority| self.is_named(&authority.host));
        target.authorities.first().filter(|_| !named)
    }

    /// Whether a page of this origin may connect. `local_port`: where the request came in.
    pub(crate) fn admit(&self, origin: &str, target: &Target, local_port: u16) -> bool {
        let Ok(origin) = origin.parse::<Origin>() else { return false };
        let is_own = |authority: &Authority| {
            let default = match origin.scheme.as_str() {
                "http" => 80,
                "https" => 443,
                _ => return false,
            };
            let same_port = match authority.port {
                Some(port) => origin.port == Some(port),
                // A browser leaves out the default port alone. Where the server has another, a proxy has left it out.
                None => origin.port == Some(default) || !matches!(local_port, 80 | 443),
            };
            authority.host == origin.host && same_port && self.is_named(&authority.host)
        };
        self.0.contains(&origin) || target.authorities.iter().any(is_own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn origins() -> Origins {
        let told =
            ["https://tea.example", "http://chat:80/", "https://例え.jp:443", "http://[2001:DB8::1]:8080"];
        Origins::new(told.iter().map(|text| text.parse().expect("an origin")).collect())
    }

    fn target(headers: &[(&'static str, &str)]) -> Result<Target, BadHost> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        Target::read(&Uri::from_static("/ws"), &map, true)
    }

    fn check(origin: &str, headers: &[(&'static str, &str)], admitted: bool) {
        let target = target(headers).expect("legal");
        assert_eq!(origins().admit(origin, &target, 2023), admitted, "{origin} {headers:?}");
    }

    #[test]
    fn origins_are_compared_by_scheme_host_and_port() {
        let elsewhere = [("host", "10.0.0.1:2023")];
        for (origin, admitted) in [
            ("https://tea.example", true),
            ("https://TEA.example:443", true),
            ("https://tea.example.", true),
            ("http://tea.example", false),
            ("https://tea.example:8443", false),
            ("https://tea.example.evil", false),
            ("https://a@tea.example", false),
            ("http://chat", true),
            ("https://xn--r8jz45g.jp", true),
            ("http://[2001:db8:0::1]:8080", true),
            ("null", false),
            ("", false),
            ("https://tea.example https://evil.example", false),
            ("file://", false),
        ] {
            check(origin, &elsewhere, admitted);
        }
    }

    #[test]
    fn the_servers_own_pages_come_from_names_that_are_its_own() {
        for (origin, host, admitted) in [
            ("http://127.0.0.1:2023", "127.0.0.1:2023", true),
            ("http://[::1]:2023", "[::1]:2023", true),
            ("http://[0:0::1]:2023", "[::1]:2023", true),
            ("http://localhost:2023", "LocalHost:2023", true),
            ("http://tea.localhost:2023", "tea.localhost.:2023", true),
            ("http://192.168.1.5", "192.168.1.5", true),
            ("https://192.168.1.5", "192.168.1.5:443", true),
            ("http://192.168.1.5", "192.168.1.5:443", false),
            ("http://127.0.0.1:1", "127.0.0.1:2023", false),
            ("http://127.0.0.1:2023", "127.0.0.2:2023", false),
            ("http://evil.example:2023", "evil.example:2023", false),
            ("http://localhost.evil:2023", "localhost.evil:2023", false),
            ("http://127.0.0.1.evil:2023", "127.0.0.1.evil:2023", false),
            ("http://tea.example:2023", "tea.example:2023", true),
            ("https://chat", "chat:443", true),
            ("https://chat:8443", "chat", true),
            ("https://chat:8443", "chat:443", false),
        ] {
            check(origin, &[("host", host)], admitted);
        }
    }

    #[test]
    fn what_proxies_kept_counts_too() {
        let behind = |kept: &[(&'static str, &'static str)]| [&[("host", "teahouse:2023")], kept].concat();
        check("http://127.0.0.1:8080", &behind(&[("x-forwarded-host", "127.0.0.1:8080")]), true);
        check("https://tea.example:8443", &behind(&[("x-forwarded-host", "a, tea.example:8443")]), true);
        check(
            "https://tea.example:8443",
            &behind(&[("x-forwarded-host", "tea.example"), ("x-forwarded-port", "8443")]),
            true,
        );
        check("https://evil.example", &behind(&[("x-forwarded-host", "evil.example")]), false);
        check("https://evil.example", &behind(&[("x-forwarded-host", "127.0.0.1")]), false);
    }

    #[test]
    fn hosts_that_cannot_be_are_refused() {
        for host in ["", "a b", "a,b", "a:b", "a:1:2", "a:65536", "[::1", "[::1]x", "::1", "a@b", "a/", "ä"]
        {
            assert!(target(&[("host", host)]).is_err(), "{host:?}");
        }
        assert!(target(&[]).is_err());
        assert!(target(&[("host", "a"), ("host", "a")]).is_err());
        for host in ["a", "a:", "a.b:80", "my_house", "1.2.3.4", "[::1]", "[::1]:80", "A.", "xn--r8jz45g.jp"]
        {
            assert!(target(&[("host", host)]).is_ok(), "{host:?}");
        }
    }

    #[test]
    fn what_is_no_origin_is_told_why() {
        for (text, why) in [
            ("chat.example.org", "scheme"),
            ("chat:443", "scheme"),
            ("", "scheme"),
            ("null", "scheme"),
            ("*", "name each"),
            ("https://", "host"),
            ("https://x/chat", "path"),
            ("https://x/?a", "after the host"),
            ("https://x#", "after the host"),
            ("https://a:b@x", "user"),
            ("https://x:99999", "port"),
            ("https://x y", "white space"),
        ] {
            let error = text.parse::<Origin>().expect_err(text);
            assert!(error.contains(why) && error.contains(text), "{error}");
        }
    }
}
