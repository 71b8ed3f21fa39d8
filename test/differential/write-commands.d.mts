/** A random sequence of commands for one connection, without those that only ask or concern the connection. */
export function writeCommands(seed: number, without?: readonly string[]): string[][];

/** The keys of those commands. */
export const keyNames: readonly string[];
