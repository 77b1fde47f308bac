/** A mistake of the caller's, said without a stack. */
export class UsageError extends Error {}
