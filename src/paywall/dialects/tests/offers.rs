//! Offers, names of payments and carriers.

use super::*;

#[test]
fn an_offer_goes_out_in_all_dialects() {
    let (header, offer) = gates_offer();
    let mut body = offer.clone();
    body["code"] = "payment_missing".into();
    let text = body.to_string();
    let refused = Refused402 { header: &header, body: Some(&text), search: "?q=1", ..Refused402::default() };
    let made = both().offer(&refused).unwrap();
    let v2 = decoded(&made.header);
    let mut terms = accept();
    terms.as_object_mut().unwrap().remove("facilitator");
    assert_eq!(v2["accepts"], json!([offer["accepts"][0], terms]));
    assert!(!made.header.contains('-') && !v2.to_string().contains("exact:"));
    let v1: Value = serde_json::from_str(made.body.as_deref().unwrap()).unwrap();
    assert_eq!((&v1["x402Version"], &v1["code"]), (&json!(1), &json!("payment_missing")));
    assert_eq!(v1["accepts"][0]["maxAmountRequired"], "10000");
    assert_eq!(v1["accepts"].as_array().unwrap().len(), 1);
    let calls: Vec<Value> = made.challenges.iter().map(|call| serde_json::from_str(call).unwrap()).collect();
    assert_eq!(
        calls,
        [
            json!({ "planId": "1001", "credits": "2", "resource": "https://shop.example/ask?q=1", "httpVerb": "POST", "agentId": "2002" })
        ]
    );
    let mut supported = Supported::default();
    supported.queries(&both(), 0);
    supported.learn(&both(), "https://facilitator.example/x402", Some(r#"{ "kinds": [] }"#), 0);
    let made = both().offer(&Refused402 { supported: Some(&supported), ..refused }).unwrap();
    assert_eq!(
        decoded(&made.header)["accepts"],
        json!([offer["accepts"][0]]),
        "what the facilitator does not settle"
    );
    let mut alone = offer.clone();
    alone["accepts"].as_array_mut().unwrap().remove(0);
    let header = base64::encode_standard(alone.to_string().as_bytes());
    let made = both().offer(&Refused402 { header: &header, supported: Some(&supported), ..refused }).unwrap();
    let body: Value = serde_json::from_str(made.body.as_deref().unwrap()).unwrap();
    assert_eq!((made.status, &*made.header, &body["code"]), (503, "", &json!("terms_unavailable")));
    assert_eq!(both().offer(&Refused402 { header: "!!", ..refused }), None);
}

#[test]
fn payments_may_have_names() {
    let (header, _) = gates_offer();
    for (option, required) in [(json!(true), false), (json!("required"), true)] {
        let dialects = dialects(&json!({ "paymentIdentifier": option }));
        let made = dialects.offer(&Refused402 { header: &header, ..Refused402::default() }).unwrap();
        let info = &decoded(&made.header)["extensions"]["payment-identifier"]["info"];
        assert_eq!(info, &json!({ "required": required }));
    }
}
