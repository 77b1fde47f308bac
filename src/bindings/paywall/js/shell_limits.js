// Made from src/paywall/state/shell_limits.rs by `npm run docs`; a test compares.

/** The number of jobs of an object that are done before others have their turn. */
export const MAX_JOBS = 64;
/** The number of times that a command that nobody waits for is sent before it is given up. */
export const MAX_ATTEMPTS = 6;
/** The pause after the first attempt, in milliseconds. Each later pause is twice as long. */
export const FIRST_PAUSE_MS = 100;
/** The time for which closed entries are stored, in milliseconds: 30 days. */
export const KEEP_MS = 2_592_000_000;
/** The time for which closed entries are kept in memory, in milliseconds: ten minutes. */
export const KEEP_IN_MEMORY_MS = 600_000;
/** The number of closed entries that are kept in memory, of one object or of all of a store together. */
export const MAX_CLOSED = 10_000;
