//! Which proxy to go through, as the environment says: `HTTPS_PROXY`, `HTTP_PROXY`,
//! `ALL_PROXY`, and `NO_PROXY` for those that are reached directly.
//!
//! This machine itself is never reached through a proxy. Every connection is a tunnel
//! (CONNECT, RFC 9110, section 9.3.6), also one for plain HTTP.
//! See curl(1), "ENVIRONMENT".

use std::env;
use std::net::{IpAddr, Ipv6Addr};

use ureq::Proxy;

use crate::error::{Error, Result};

/// The proxy for requests of one kind, if the environment names one.
pub fn from_environment(tls: bool) -> Result<Option<Proxy>> {
    let own = if tls { ["https_proxy", "HTTPS_PROXY"] } else { ["http_proxy", "HTTP_PROXY"] };
    let variables = own.into_iter().chain(["all_proxy", "ALL_PROXY"]);
    let set = |name| env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (name, value));
    let Some((name, value)) = variables.into_iter().find_map(set) else { return Ok(None) };
    let proxy = Proxy::new(&value).map_err(|_| {
        // The value may hold a password.
        Error::new(format!("cannot use the proxy that {name} names"))
            .hint("A proxy looks like http://proxy.example:3128. Unset the variable to go without one.")
    });
    proxy.map(Some)
}

/// Whether a host is reached without a proxy.
pub fn goes_directly(host: &str, port: u16) -> bool {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let list = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    is_loopback(host) || list.split(',').any(|entry| matches(entry.trim(), host, port))
}

/// Whether a host is this machine.
pub fn is_loopback(host: &str) -> bool {
    let address = address(host);
    host == "localhost" || host.ends_with(".localhost") || address.is_some_and(|address| address.is_loopback())
}

/// `127.0.0.1`, `::1`, `[::1]`
fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// `*`, a domain with all below it, an address, or a block of addresses; perhaps with a port.
fn matches(entry: &str, host: &str, port: u16) -> bool {
    if let (Some(address), Some((block, bits))) = (address(host), entry.split_once('/')) {
        return within(address, block, bits).unwrap_or(false);
    }
    let (name, wanted) = match entry.rsplit_once(':') {
        Some((name, number)) if entry.parse::<Ipv6Addr>().is_err() => (name, number.parse::<u16>().ok()),
        _ => (entry, None),
    };
    if wanted.is_some_and(|wanted| wanted != port) {
        return false;
    }
    if let (Some(address), Some(given)) = (address(host), self::address(name)) {
        return address == given;
    }
    let (host, name) = (host.to_ascii_lowercase(), name.trim_start_matches("*.").to_ascii_lowercase());
    let domain = name.trim_start_matches('.');
    let below = host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    name == "*" || (!domain.is_empty() && (host == domain || below))
}

fn within(address: IpAddr, block: &str, bits: &str) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    let shared = |one: u128, other: u128, length: u32| {
        let rest = length.checked_sub(bits)?;
        Some((one ^ other).checked_shr(rest).unwrap_or(0) == 0)
    };
    match (address, block.parse().ok()?) {
        (IpAddr::V4(one), IpAddr::V4(other)) => shared(u32::from(one).into(), u32::from(other).into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => shared(one.into(), other.into(), 128),
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::{is_loopback, matches};

    #[test]
    fn who_is_reached_directly() {
        for (entry, host, expected) in [
            ("*", "a.example", true),
            ("example", "a.example", true),
            (".example", "a.example", true),
            ("*.example", "a.example", true),
            ("example", "badexample", false),
            ("A.Example", "a.example", true),
            ("a.example:443", "a.example", true),
            ("a.example:80", "a.example", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.0/8", "10.200.3.4", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("fd00::/8", "[fd00::1]", true),
            ("::1", "[::1]", true),
            ("10.0.0.0/99", "10.0.0.0", false),
            ("", "a.example", false),
        ] {
            assert_eq!(matches(entry, host, 443), expected, "{entry} {host}");
        }
    }

    #[test]
    fn this_machine_has_many_names() {
        for host in ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "128.0.0.1", "[::2]", "debian"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
