// Owns the seed of all properties: the same in every run, so that a red test is about the change; PROPERTY_SEED asks for other cases.
import process from 'node:process';
import fc from 'fast-check';

const { PROPERTY_SEED } = process.env;
fc.configureGlobal({ seed: PROPERTY_SEED === undefined ? 1 : Number(PROPERTY_SEED) });
