/** The Redis whose behaviour is followed; clients choose features by it, and files are marked with it. */
export const redisVersion = '7.2.4';
