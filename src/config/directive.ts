import type { Kind } from './kinds.js';

/** What else there is to say of a directive. */
export interface Traits {
  /** An older name, accepted everywhere and listed by CONFIG GET beside the present one. */
  readonly alias?: string;
  /** Only a file or the command line can set it. */
  readonly immutable?: true;
  /** Not in `CONFIG GET *`, only when asked for by its exact name. */
  readonly hidden?: true;
  /** CONFIG SET only as `enable-protected-configs` allows. */
  readonly protected?: true;
  /** An instruction to the reader of a file rather than a setting: unknown to CONFIG GET and SET. */
  readonly fileOnly?: true;
  /** CONFIG SET is refused while the data set is being loaded. */
  readonly notWhileLoading?: true;
  /** Setting it to the value that it has is a change too, such as a certificate's file that was replaced. */
  readonly reapply?: true;
  /** Its values are not to be seen in logs. */
  readonly secret?: true;
  /** Accepted and kept, but without effect, for this reason. */
  readonly inert?: string;
  /** Inert for now, and whoever sets it counts on more than speed or comfort: worth a warning. */
  readonly reliedOn?: true;
}

/** One directive: everything that reading, showing, changing, writing and documenting it needs. */
export interface Directive<T> extends Traits {
  readonly kind: Kind<T>;
  readonly initial: T;
  /** One sentence, for redis.conf.example, --help and the documentation. */
  readonly help: string;
}

export function directive<T>(
  kind: Kind<T>,
  initial: NoInfer<T>,
  help: string,
  traits: Traits = {},
): Directive<T> {
  return { kind, initial, help, ...traits };
}
