use super::bindings::Bindings;
use super::error::{ConfigError, Wrong, base_url, member, missing, wrong};
use super::http_settings::HttpSettings;
use super::keys;
use super::origin::OriginSetting;
use super::problems::Variables;
use super::route;
use super::route::RouteContext;
use super::route_key::RouteKey;
use crate::api::Deployment;
use crate::codec;
use crate::paywall::page::Page;
use crate::paywall::pass::Passes;
use crate::paywall::pricing::price::PaidRoute;
use crate::paywall::pricing::settlement_policy::Settlement;
use crate::paywall::response::cors::Cors;
use crate::paywall::routing::route_table::{Routes, Unlisted};
use crate::wire::{ApiKey, Environment, Secret, digits};
use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// All that the seller says, checked: the gate opens with this or not at all (money rules: fail closed).
#[derive(Debug)]
pub struct Settings {
    pub(crate) routes: Routes,
    pub(crate) cors: Cors,
    pub(crate) manners: HttpSettings,
    pub(crate) passes: Option<Passes>,
    pub(crate) page: Option<Page>,
    pub(crate) origin: OriginSetting,
    /// The headers that a token comes in, in lower case, if it is not `payment-signature`.
    pub(crate) token_headers: Vec<String>,
    pub(crate) public_url: Option<String>,
    deployment: Deployment,
    key: Secret,
    timeout_ms: u32,
    /// A state store is bound.
    pub(crate) state: bool,
    /// For how long a positive verification is believed, in milliseconds; 0 is not at all.
    pub(crate) cache_ms: u64,
    warnings: Vec<String>,
}

/// For how many timeouts a settle that was sent is believed to be on its way: for 130 seconds where nothing is said. The
/// official Python client waits for one for 90.
const QUIET_TIMEOUTS: u64 = 13;

impl Settings {
    /// Reads the variables of a Worker: `variable` gives the text of one, JSON where it holds more than a text.
    /// `bindings` says what else there is.
    ///
    /// `NVM_API_KEY`, `NVM_ENVIRONMENT`, `NVM_API_URL`, `ORIGIN_URL`, `PUBLIC_URL`, `ROUTES`, `OPEN_ROUTES`,
    /// `UNLISTED`, `TIMEOUT_MS`, `VERIFY_CACHE_SECONDS`, `TOKEN_HEADER`; `ALLOWED_ORIGINS`, `ALLOW_CREDENTIALS`, `ALLOWED_HEADERS`,
    /// `ALLOW_PRIVATE_NETWORK`, `CORS_MAX_AGE`; `ORIGIN_TIMEOUT_MS`, `LOG`, `SERVER_TIMING`, `METRICS_TOKEN`,
    /// `MAX_BODY_BYTES`, `ADDRESS_HEADER`; `PASSES`,
    /// `PASS_KEYS`, `REVOKED_PASSES`, `PAGE`; and `PAGE_FILES`, which no seller sets: what the
    /// shell carries for the 402 page.
    ///
    /// # Errors
    /// The first key that is missing or wrong.
    pub fn read(
        variable: impl Fn(&str) -> Option<String>,
        bindings: impl Into<Bindings>,
    ) -> Result<Self, ConfigError> {
        Self::checked(&variable, bindings.into()).map_err(|error| *error)
    }

    fn checked(variable: &dyn Fn(&str) -> Option<String>, bindings: Bindings) -> Result<Self, Wrong> {
        let Bindings { state, handler, .. } = bindings;
        let given = Variables::new(variable);
        let text = |name: &str| given.text(name);
        let key = text("NVM_API_KEY").ok_or_else(|| missing("NVM_API_KEY"))?;
        let key =
            ApiKey::parse(key.trim()).map_err(|_| wrong("NVM_API_KEY", "must be a Nevermined API key"))?;
        let deployment = deployment(&key, text("NVM_ENVIRONMENT"), text("NVM_API_URL"))?;

        // Neither is a safe guess: one shuts out, the other lets in unpaid (rule 26).
        let unlisted = match text("UNLISTED").as_deref() {
            None => return Err(wrong("UNLISTED", "is missing: choose \"deny\" or \"pass\"")),
            Some("deny") => Unlisted::Deny,
            Some("pass") => Unlisted::Pass,
            Some(_) => return Err(wrong("UNLISTED", "must be \"deny\" or \"pass\"")),
        };
        let mut routes = Routes::new(unlisted);
        let listed = text("ROUTES").ok_or_else(|| missing("ROUTES"))?;
        let shape = "must be an object of routes, like {\"POST /ask\": {\"planId\": \"1\", \"credits\": 2}}";
        let listed = codec::parse_object(&listed).ok_or_else(|| wrong("ROUTES", shape))?;
        // From here on problems are noted, and the first one is returned at the end.
        let problems = &given.problems;
        let around = RouteContext { environment: deployment.environment, state, handler, problems };
        let mut warnings: Vec<String> = Vec::new();
        for (name, value) in &listed {
            let at = member("ROUTES", name);
            let Some(key) = problems.value(RouteKey::parse(name, &at)) else { continue };
            let mut priced = Vec::new();
            for method in key.methods() {
                let Some(terms) = route::read(name, *method, value, around, &at) else { continue };
                for warning in promises(&terms, state) {
                    let warning = [WITHOUT_STATE, warning].concat();
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
                priced.push((*method, Arc::new(terms)));
            }
            problems.value(key.list(&mut routes, &at, |method| {
                priced.iter().find(|(priced, _)| *priced == method).map(|(_, terms)| terms.clone())
            }));
        }
        for (index, name) in given.strings("OPEN_ROUTES").iter().enumerate() {
            let at = ["OPEN_ROUTES[", &digits(index as u64), "]"].concat();
            problems.value(RouteKey::parse(name, &at).and_then(|key| key.list(&mut routes, &at, |_| None)));
        }

        warnings.extend(passes_free(&routes, unlisted));
        let token_headers = token_headers(&given);
        let cors = Cors::read(&given).taking(&token_headers);
        let manners = HttpSettings::read(&given);
        let origin = OriginSetting::read(text("ORIGIN_URL").as_deref(), bindings, problems);
        // How long the facilitator may take (rule 21), and for how long a verification may be believed (rule 23).
        let timeout_ms = given.whole(&keys::TIMEOUT_MS);
        let cache_ms = u64::from(given.whole(&keys::VERIFY_CACHE_SECONDS)) * 1000;
        let sells = |name: &str| {
            routes.paid().any(|terms| terms.name == name && terms.settlement == Settlement::BeforeDelivery)
        };
        let passes = Passes::read(&given, sells);
        let page = Page::read(&given, &deployment);
        let public_url =
            text("PUBLIC_URL").and_then(|url| problems.value(base_url("PUBLIC_URL", url.trim())));
        given.problems.finish(Self {
            passes,
            page,
            routes,
            cors,
            manners,
            origin,
            token_headers,
            public_url,
            deployment,
            key: key.secret().clone(),
            timeout_ms,
            state,
            cache_ms,
            warnings,
        })
    }

    /// The deployment that the networks of its schemes go by.
    pub(crate) fn environment(&self) -> Environment {
        self.deployment.environment
    }

    /// Where the facilitator is: an origin, to put a call's path after.
    #[must_use]
    pub fn facilitator(&self) -> &str {
        &self.deployment.backend
    }

    /// The seller's key, for the facilitator alone.
    #[must_use]
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// Warnings about guarantees that the present bindings cannot give. Log them at start.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// True if a positive verification of this route may be cached. Only routes that settle before delivery allow it,
    /// so that a stale verification never delivers unpaid.
    pub(crate) fn remembers(&self, terms: &PaidRoute) -> bool {
        self.cache_ms > 0 && terms.settlement == Settlement::BeforeDelivery && terms.free.is_none()
    }

    /// How much of a body may be read to say what a request costs, in bytes (rule 20).
    #[must_use]
    pub fn max_body_bytes(&self) -> u32 {
        self.manners.max_body_bytes
    }

    /// How long the origin may take until its answer begins, in milliseconds.
    #[must_use]
    pub fn origin_timeout_ms(&self) -> u32 {
        self.manners.origin_timeout_ms
    }

    /// For how long after it was sent a settle may still arrive, in milliseconds.
    pub(crate) fn quiet_ms(&self) -> u64 {
        QUIET_TIMEOUTS.saturating_mul(self.timeout_ms.into())
    }

    /// How long one call of the facilitator may take, body included, in milliseconds (rule 21).
    #[must_use]
    pub fn timeout_ms(&self) -> u32 {
        self.timeout_ms
    }
}

/// Warnings about requests that pass unpaid beside the paid routes, where this may be a mistake.
fn passes_free(routes: &Routes, unlisted: Unlisted) -> Vec<String> {
    if unlisted == Unlisted::Deny {
        return Vec::new();
    }
    let mut said = Vec::from([
        "Requests that no route lists pass unpaid (UNLISTED is pass). Routes are whole paths, wherever the gate is mounted."
            .to_string(),
    ]);
    for at in routes.left_free() {
        let problem = " does not cover the folder itself, which passes unpaid: list it too, paid or open.";
        said.push([at, problem].concat());
    }
    said
}

/// The beginning of each warning of [`promises`].
const WITHOUT_STATE: &str = "Without a state (in a Worker the Durable Object binding PAYWALL_STATE), ";

/// Warnings about guarantees that a route with these terms cannot give.
fn promises(terms: &PaidRoute, state: bool) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if !state {
        warnings.push(
            "several isolates or processes may serve a single-use token at once, though it is charged once.",
        );
        warnings.push(
            "a settlement whose outcome is not known is only logged, and one whose isolate or process dies is forgotten.",
        );
        if terms.settlement != Settlement::BeforeDelivery {
            warnings.push(
                "a route with \"unbounded\": true delivers any number of unsettled answers to one payer.",
            );
            warnings.push(
                "an answer that is settled at its end is not charged where its isolate or process dies before.",
            );
        }
    }
    warnings
}

pub(crate) fn deployment(
    key: &ApiKey,
    environment: Option<String>,
    url: Option<String>,
) -> Result<Deployment, Wrong> {
    let environment =
        Deployment::environment_of(Some(key), environment.as_deref().map(str::trim)).map_err(|_| {
            wrong("NVM_ENVIRONMENT", "must be sandbox, live, staging_sandbox, staging_live or custom")
        })?;
    if let Some(hosted) = Deployment::hosted(environment) {
        // Whoever names an address means it to be asked.
        if url.is_some() {
            return Err(wrong(
                "NVM_API_URL",
                "needs NVM_ENVIRONMENT custom; this key or environment has an address of its own",
            ));
        }
        return Ok(hosted);
    }
    Deployment::custom(url.as_deref().map(str::trim), None, None).map_err(|error| match error.kind {
        crate::wire::WireErrorKind::Missing => missing("NVM_API_URL"),
        _ => wrong("NVM_API_URL", "must be an https URL, or http to this machine"),
    })
}

/// The names of headers, one as a text or several as an array of them.
fn token_headers(given: &Variables<'_>) -> Vec<String> {
    const KEY: &str = "TOKEN_HEADER";
    let Some(text) = given.text(KEY) else { return Vec::new() };
    let names = if text.trim_start().starts_with('[') { given.strings(KEY) } else { Vec::from([text]) };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let taken = ["host", "cookie", "content-type", "content-length", "origin", "accept"];
    let read = |name: &String| {
        let name = name.trim().to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(plain) || taken.contains(&name.as_str()) {
            given.problems.note(KEY, "must be the name of a header, or an array of them");
        }
        name
    };
    names.iter().map(read).collect()
}
