/**
 * Small numbers for objects, so that an arena entry can name a big collection in four bytes. Numbers of
 * removed objects are given out again; the array stays as dense as the busiest moment was.
 */
export class Handles<T> {
  private readonly values: (T | undefined)[] = [];
  private readonly free: number[] = [];

  /** How many objects are held. */
  get size(): number {
    return this.values.length - this.free.length;
  }

  /** Holds `value` and returns its number. */
  add(value: T): number {
    const number = this.free.pop() ?? this.values.length;
    this.values[number] = value;
    return number;
  }

  /** The object of a number that `add` returned and `remove` has not taken back. */
  get(number: number): T {
    // The cast: a live number's slot is never undefined; a check would cost every access of a collection.
    return this.values[number] as T;
  }

  set(number: number, value: T): void {
    this.values[number] = value;
  }

  /** Gives the number back and returns what it stood for. */
  remove(number: number): T {
    const value = this.get(number);
    this.values[number] = undefined;
    if (this.free.push(number) === this.values.length) this.clear();
    return value;
  }

  /** Forgets everything; every number becomes invalid. */
  clear(): void {
    this.values.length = 0;
    this.free.length = 0;
  }
}
