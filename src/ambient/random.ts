import { randomBytes } from 'node:crypto';

/** Where chance comes from. Injected, so that a run can be replayed from a seed. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A signed 32-bit integer, all values equally likely. */
  int32(): number;
}

/**
 * xoshiro128** (Blackman and Vigna, 2018): fast, 32-bit operations only, good for sampling. Not for secrets.
 */
export class SeededRandom implements Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** The same seed gives the same numbers. */
  constructor(seed: number) {
    // splitmix32 spreads the seed over the state, which must not be all zero.
    let x = seed | 0;
    const spread = () => {
      x = (x + 0x9e3779b9) | 0;
      let z = x ^ (x >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.a = spread();
    this.b = spread();
    this.c = spread();
    this.d = spread() | 1;
  }

  /** A generator in this state, 128 bits that must not all be zero. */
  static fromState(a: number, b: number, c: number, d: number): SeededRandom {
    const random = new SeededRandom(0);
    random.a = a;
    random.b = b;
    random.c = c;
    random.d = d;
    return random;
  }

  int32(): number {
    const { b } = this;
    const scrambled = Math.imul(b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const t = b << 9;
    this.c ^= this.a;
    this.d ^= b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  next(): number {
    return (this.int32() >>> 0) / 0x1_0000_0000;
  }
}

/** A generator that nobody can predict the start of. */
export function unpredictableRandom(): Random {
  const state = randomBytes(16);
  const word = (index: number) => state.readInt32LE(index * 4);
  return SeededRandom.fromState(word(0), word(1), word(2), word(3) | 1);
}

/** 40 lower-case hexadecimal digits: run ids and replication ids. */
export function randomHexId(): string {
  return randomBytes(20).toString('hex');
}
