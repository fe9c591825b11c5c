import { fail, skip, type Verdict } from './verdict.ts'

/**
 * A file larger than the destination takes. Applies to each version on its own.
 *
 * @param limitBytes the destination's largest file; undefined when it states none
 * @returns nothing when the item fits
 * @see reference: job-policies 5
 */
export function largeItem(
  setting: 'fail' | 'skip',
  sizeBytes: bigint,
  limitBytes: bigint | undefined,
): Verdict | undefined {
  if (limitBytes === undefined || sizeBytes <= limitBytes) return undefined
  const why = `${sizeBytes} bytes; the destination takes at most ${limitBytes}`
  return setting === 'skip' ? skip('too_large', why) : fail('too_large', why)
}
