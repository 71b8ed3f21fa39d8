import fc from 'fast-check';

/**
 * Property tests try the same values each time, so that what fails was broken by the change that is tested.
 * `PROPERTY_SEED=random` (or a number) has them try others; a failure tells its seed.
 */
const asked = process.env.PROPERTY_SEED ?? '20260101';

/** What the random values of a test file start from: an integer of 31 bits. */
export const propertySeed = asked === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(asked);

if (!Number.isSafeInteger(propertySeed))
  throw new Error(`PROPERTY_SEED is 'random' or an integer, not '${asked}'`);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: propertySeed });
