/**
 * For long work between two turns of the event loop: called often, it answers nothing while the turn is short, and else a promise to await, so
 * that renewals, watches and requests are not held up.
 */
export type Breathe = () => Promise<void> | undefined;
