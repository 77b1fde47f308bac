use super::cors::Cors;
use super::listing::RouteKey;
use super::method::Method;
use super::origin::OriginSetting;
use super::price::Terms;
use super::routes::{Routes, Unlisted};
use crate::api::Deployment;
use crate::wire::{AgentId, ApiKey, Credits, Environment, Network, PlanId, Scheme, Secret};
use alloc::{
    format,
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;
use serde_json::{Map, Value};

/// All that the seller says, checked: the gate opens with this or not at all (money rules: fail closed).
#[derive(Debug)]
pub struct Settings {
    pub(crate) routes: Routes,
    pub(crate) cors: Cors,
    pub(crate) origin: OriginSetting,
    pub(crate) public_url: Option<String>,
    deployment: Deployment,
    key: Secret,
    timeout_ms: u32,
}

/// What is wrong with the configuration, and where. It names a key, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, as a path: `ROUTES["POST /ask"].credits`.
    pub key: String,
    /// What is wrong, to be read after the key: `must be a whole number of at least 1`.
    pub problem: String,
}

/// How long the facilitator may take where nothing is said, in milliseconds (rule 21).
const DEFAULT_TIMEOUT_MS: u32 = 10_000;
/// The most that it may be given, in milliseconds.
const MAX_TIMEOUT_MS: u32 = 120_000;
/// What a text of the configuration that travels in a header may weigh, in bytes.
const MAX_TEXT_BYTES: usize = 1024;

impl Settings {
    /// Reads the variables of a Worker: `variable` gives the text of one, JSON where it holds more than a text.
    /// `bound` says whether there is a binding of that name; see [`Origin`](super::Origin) for those that may be one.
    ///
    /// `NVM_API_KEY`, `NVM_ENVIRONMENT`, `NVM_API_URL`, `ORIGIN_URL`, `PUBLIC_URL`, `ROUTES`, `OPEN_ROUTES`,
    /// `UNLISTED`, `ALLOWED_ORIGINS`, `TIMEOUT_MS`.
    ///
    /// # Errors
    /// The first key that is missing or wrong.
    pub fn read(
        variable: impl Fn(&str) -> Option<String>,
        bound: impl Fn(&str) -> bool,
    ) -> Result<Self, ConfigError> {
        let text = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
        let key = text("NVM_API_KEY").ok_or_else(|| missing("NVM_API_KEY"))?;
        let key =
            ApiKey::parse(key.trim()).map_err(|_| wrong("NVM_API_KEY", "must be a Nevermined API key"))?;
        let deployment = deployment(&key, text("NVM_ENVIRONMENT"), text("NVM_API_URL"))?;

        // Neither is a safe guess: one shuts out, the other lets in unpaid (rule 26).
        let unlisted = match text("UNLISTED").as_deref() {
            None => return Err(wrong("UNLISTED", "is missing: \"deny\" or \"pass\" has to be chosen")),
            Some("deny") => Unlisted::Deny,
            Some("pass") => Unlisted::Pass,
            Some(_) => return Err(wrong("UNLISTED", "must be \"deny\" or \"pass\"")),
        };
        let mut routes = Routes::new(unlisted);
        let listed: Map<String, Value> = json(
            "ROUTES",
            &text("ROUTES").ok_or_else(|| missing("ROUTES"))?,
            "an object of routes, like {\"POST /ask\": {\"planId\": \"1\", \"credits\": 2}}",
        )?;
        for (name, value) in &listed {
            let at = format!("ROUTES[{name:?}]");
            let key = RouteKey::parse(name, &at)?;
            let priced = key.methods().iter().map(|method| {
                let terms = terms(name, *method, value, deployment.environment, &at)?;
                Ok((*method, Rc::new(terms)))
            });
            let priced = priced.collect::<Result<Vec<_>, ConfigError>>()?;
            key.list(&mut routes, &at, |method| {
                priced.iter().find(|(priced, _)| *priced == method).map(|(_, terms)| terms.clone())
            })?;
        }
        for (index, name) in strings("OPEN_ROUTES", text("OPEN_ROUTES"))?.iter().enumerate() {
            let at = format!("OPEN_ROUTES[{index}]");
            RouteKey::parse(name, &at)?.list(&mut routes, &at, |_| None)?;
        }

        let origins = strings("ALLOWED_ORIGINS", text("ALLOWED_ORIGINS"))?;
        let cors = Cors::new(origins).map_err(|problem| wrong("ALLOWED_ORIGINS", problem))?;
        let url = |name: &'static str| text(name).map(|url| base_url(name, url.trim())).transpose();
        let origin = OriginSetting::read(text("ORIGIN_URL"), bound)?;
        let timeout_ms = match text("TIMEOUT_MS") {
            None => DEFAULT_TIMEOUT_MS,
            Some(text) => {
                text.trim().parse().ok().filter(|ms| (1..=MAX_TIMEOUT_MS).contains(ms)).ok_or_else(|| {
                    wrong("TIMEOUT_MS", "must be a whole number of milliseconds from 1 to 120000")
                })?
            }
        };
        Ok(Self {
            routes,
            cors,
            origin,
            public_url: url("PUBLIC_URL")?,
            deployment,
            key: key.secret().clone(),
            timeout_ms,
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

    /// How long one call of the facilitator may take, body included, in milliseconds (rule 21).
    #[must_use]
    pub fn timeout_ms(&self) -> u32 {
        self.timeout_ms
    }
}

impl ConfigError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "config_invalid"
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.problem)
    }
}

impl core::error::Error for ConfigError {}

pub(super) fn missing(key: &str) -> ConfigError {
    wrong(key, "is missing")
}

pub(super) fn wrong(key: impl Into<String>, problem: impl Into<String>) -> ConfigError {
    ConfigError { key: key.into(), problem: problem.into() }
}

fn deployment(
    key: &ApiKey,
    environment: Option<String>,
    url: Option<String>,
) -> Result<Deployment, ConfigError> {
    let environment =
        Deployment::environment_of(Some(key), environment.as_deref().map(str::trim)).map_err(|_| {
            wrong("NVM_ENVIRONMENT", "must be sandbox, live, staging_sandbox, staging_live or custom")
        })?;
    if let Some(hosted) = Deployment::hosted(environment) {
        // Whoever names an address means it to be asked.
        if url.is_some() {
            return Err(wrong(
                "NVM_API_URL",
                "is for NVM_ENVIRONMENT custom, and this key or environment is not",
            ));
        }
        return Ok(hosted);
    }
    Deployment::custom(url.as_deref().map(str::trim), None, None).map_err(|error| match error.kind {
        crate::wire::WireErrorKind::Missing => missing("NVM_API_URL"),
        _ => wrong("NVM_API_URL", "must be an https URL, or http to this machine"),
    })
}

fn terms(
    route: &str,
    method: Method,
    value: &Value,
    environment: Environment,
    at: &str,
) -> Result<Terms, ConfigError> {
    let key = |name: &str| format!("{at}.{name}");
    let Value::Object(members) = value else {
        return Err(wrong(at, "must be an object with planId and credits"));
    };
    const KNOWN: [&str; 7] = ["planId", "credits", "agentId", "scheme", "network", "description", "mimeType"];
    if let Some(unknown) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(wrong(key(unknown), "is not a key of a route"));
    }
    let text = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_TEXT_BYTES => {
            Ok(Some(text.as_str()))
        }
        Some(_) => Err(wrong(key(name), "must be a text of at most 1024 bytes")),
    };
    let plan = text("planId")?.ok_or_else(|| missing(&key("planId")))?;
    let plan_id = PlanId::parse(plan, "planId").map_err(|_| wrong(key("planId"), "must be a plan's id"))?;
    let agent_id = text("agentId")?
        .map(|agent| AgentId::parse(agent, "agentId"))
        .transpose()
        .map_err(|_| wrong(key("agentId"), "must be an agent's id"))?;
    let credits = match members.get("credits") {
        None | Some(Value::Null) => return Err(missing(&key("credits"))),
        Some(value) => Credits::from_json(value, "credits").ok().filter(|credits| !credits.is_zero()),
    };
    // Zero is refused: the platform reads a settle of "0" as "the most of the plan".
    let credits = credits.ok_or_else(|| wrong(key("credits"), "must be a whole number of at least 1"))?;
    let means = means(text("scheme")?, text("network")?, environment, at)?;
    let (scheme, network) = means.unwrap_or((Scheme::Erc4337, Network::BaseSepolia));
    Ok(Terms {
        route: route.into(),
        method,
        plan_id,
        agent_id,
        follows_plan: means.is_none(),
        scheme,
        network: network.as_str().into(),
        credits,
        description: text("description")?.map(ToString::to_string),
        mime_type: text("mimeType")?.map(ToString::to_string),
    })
}

/// Scheme and network, where the configuration says enough: a network says both, `nvm:erc4337` has one by its
/// environment. Else they are the plan's to say.
fn means(
    scheme: Option<&str>,
    network: Option<&str>,
    environment: Environment,
    at: &str,
) -> Result<Option<(Scheme, Network)>, ConfigError> {
    let key = |name: &str| format!("{at}.{name}");
    let scheme = scheme
        .map(|name| {
            Scheme::parse(name)
                .ok_or_else(|| wrong(key("scheme"), "must be nvm:erc4337 or nvm:card-delegation"))
        })
        .transpose()?;
    let network = network
        .map(|name| {
            Network::parse(name).ok_or_else(|| {
                wrong(key("network"), "must be eip155:84532, eip155:8453, stripe, braintree or visa")
            })
        })
        .transpose()?;
    let Some(network) = network else {
        let usual = |scheme: Scheme| (scheme, scheme.default_network(environment));
        return Ok(scheme.filter(|scheme| *scheme == Scheme::Erc4337).map(usual));
    };
    let card = matches!(network, Network::Stripe | Network::Braintree | Network::Visa);
    let implied = if card { Scheme::CardDelegation } else { Scheme::Erc4337 };
    if scheme.is_some_and(|scheme| scheme != implied) {
        return Err(wrong(key("network"), "does not go with the scheme"));
    }
    Ok(Some((implied, network)))
}

fn json<T: serde::de::DeserializeOwned>(key: &str, text: &str, shape: &str) -> Result<T, ConfigError> {
    serde_json::from_str(text).map_err(|_| wrong(key, format!("must be {shape}")))
}

pub(super) fn strings(key: &str, text: Option<String>) -> Result<Vec<String>, ConfigError> {
    text.map_or(Ok(Vec::new()), |text| json(key, &text, "an array of texts"))
}

/// An absolute URL to put a path after: without query, fragment, credentials or trailing slash.
pub(super) fn base_url(key: &str, url: &str) -> Result<String, ConfigError> {
    let url = url.trim_end_matches('/');
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\\%;".contains(&byte);
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(plain)) {
        return Ok(url.to_string());
    }
    Err(wrong(key, "must be an absolute http or https URL without a query"))
}
