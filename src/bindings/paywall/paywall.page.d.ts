// The public types of `payments-wasm/paywall/page`: the 402 page, for the option `pageScripts`.

/** Document, style sheet and texts; the names of the scripts, and the name of this build of them. JSON. */
export const PAGE_FILES: string;
/** The scripts, by name. */
export const PAGE_CONTENT: Record<string, string>;
