/** The part of redlock's interface that the tests use; the package has no types. */
declare module 'redlock' {
  import type { Redis } from 'ioredis';

  export interface Lock {
    extend(milliseconds: number): Promise<Lock>;
    unlock(): Promise<void>;
  }

  export default class Redlock {
    constructor(clients: Redis[], options?: { retryCount?: number });
    lock(resource: string, milliseconds: number): Promise<Lock>;
  }
}
