use super::bindings::Bindings;
use super::error::base_url;
use super::problems::Problems;
use alloc::string::String;

/// Where what is sold comes from, and what the shell is to ask there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The URL of the forwarded request.
    Url,
    /// A service binding, or a handler in the same program: it is handed the forwarded request as it is.
    Service,
    /// An object of a bucket: [`Forward::for_object`](crate::paywall::Forward::for_object) says what to answer with it.
    Bucket {
        /// The object's key.
        key: String,
    },
    /// A file of the Worker's own: asked for whole, and answered like an object of a bucket.
    Assets,
}

/// The origin of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OriginSetting {
    /// The base URL that the request's path is appended to; without one, the URL of the request itself.
    pub(crate) base: Option<String>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Url,
    Service,
    Bucket,
    Assets,
}

impl OriginSetting {
    /// Reads `ORIGIN_URL` and looks which of the bindings `ORIGIN`, `BUCKET` and `ASSETS` there are. A URL may stand
    /// beside `ORIGIN`, which then is asked under it.
    /// It is wrong that there is none of them, or another beside the binding.
    pub(crate) fn read(url: Option<&str>, bindings: Bindings, problems: &Problems) -> Self {
        let base = url.and_then(|url| problems.value(base_url("ORIGIN_URL", url.trim())));
        let mut kind = url.is_some().then_some(Kind::Url);
        for (name, bound, one) in [
            ("ORIGIN", bindings.origin, Kind::Service),
            ("BUCKET", bindings.bucket, Kind::Bucket),
            ("ASSETS", bindings.assets, Kind::Assets),
        ] {
            if !bound {
                continue;
            }
            if kind.is_some() && !(one == Kind::Service && kind == Some(Kind::Url)) {
                problems.note(name, "is bound, and there is another origin");
            }
            kind = Some(one);
        }
        if kind.is_none() {
            problems.note("ORIGIN_URL", "is missing, and there is no binding ORIGIN, BUCKET or ASSETS");
        }
        Self { base, kind: kind.unwrap_or(Kind::Url) }
    }

    /// The origin of a request whose path has these decoded segments.
    pub(crate) fn at(&self, segments: &[String]) -> Origin {
        match self.kind {
            Kind::Url => Origin::Url,
            Kind::Service => Origin::Service,
            Kind::Bucket => Origin::Bucket { key: segments.join("/") },
            Kind::Assets => Origin::Assets,
        }
    }
}
