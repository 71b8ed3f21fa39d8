/** The data set cannot be loaded: the server must not start with less. The message is for the log. */
export class LoadError extends Error {}
