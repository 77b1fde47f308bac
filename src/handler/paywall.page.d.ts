// The public types of `payments-wasm/paywall/page`: the 402 page's scripts, for the option `pageScripts`.

/** Their names, and the name of this build of them. */
export const PAGE_FILES: string;
/** The scripts, by name. */
export const PAGE_CONTENT: Record<string, string>;
