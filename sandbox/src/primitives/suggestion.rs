//! Error texts for unknown names, with the known name that was probably meant.

use payments_wasm::wire::nearest_name;

/// An error text for a name that is none of `known`: it names the most similar known name, or all of them if no
/// name is similar.
pub(crate) fn unknown(name: &str, what: &str, known: &[&str]) -> String {
    match nearest_name(name.rsplit('.').next().unwrap_or(name), known) {
        Some(meant) => format!("{name} is not {what}; did you mean {meant}?"),
        None => format!("{name} is not {what}: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_gets_the_similar_one_or_all() {
        let known = ["id", "name", "owner", "creditsDelaySecs"];
        for (name, expected) in [
            ("nmae", "nmae is not a member; did you mean name?"),
            ("plans[0].onwer", "plans[0].onwer is not a member; did you mean owner?"),
            ("creditsdelaysec", "creditsdelaysec is not a member; did you mean creditsDelaySecs?"),
            ("ID", "ID is not a member; did you mean id?"),
            ("price", "price is not a member: id, name, owner, creditsDelaySecs"),
            ("", " is not a member: id, name, owner, creditsDelaySecs"),
        ] {
            assert_eq!(unknown(name, "a member", &known), expected, "{name}");
        }
    }
}
