//! The addresses of the smart contracts, which are made up.

/// All contracts: `payments-py` refuses a response in which one is missing.
pub(crate) const CONTRACTS: [&str; 19] = [
    "AccessManager",
    "AgreementsStore",
    "AssetsRegistry",
    "DistributePaymentsCondition",
    "FiatPaymentTemplate",
    "FiatSettlementCondition",
    "FixedPaymentTemplate",
    "LinearPricing",
    "LockPaymentCondition",
    "NFT1155Credits",
    "NFT1155ExpirableCredits",
    "NFT1155ExpirableCreditsV2",
    "NVMConfig",
    "OneTimeCreatorHook",
    "PayAsYouGoTemplate",
    "PaymentsVault",
    "ProtocolStandardFees",
    "TokenUtils",
    "TransferCreditsCondition",
];

/// The address of a contract: made up, always the same, and different from any account's by its prefix.
pub(crate) fn contract(name: &str) -> String {
    let index = CONTRACTS.iter().position(|known| *known == name).map_or(0, |index| index + 1);
    format!("0xc0de{index:036x}")
}
