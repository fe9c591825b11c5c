import type { Facts } from '../connector/item.ts'

/** `attributes`: owner, permissions or times differ, the bytes do not. `unsure`: the bytes may differ; only reading tells. */
export type Change = 'no' | 'attributes' | 'content' | 'unsure'

/**
 * What became of an item since its facts were recorded: by version when both are known, else by hash, else by size and
 * times. Without a version identity is not compared: device numbers change when a machine restarts, and a replaced file
 * shows in its times.
 *
 * @param contentHash of what was last written or read, when the recorded facts have none
 * @see reference: job-policies 24
 */
export function changed(now: Facts, baseline: Facts, contentHash?: string): Change {
  if (now.version !== undefined && baseline.version !== undefined) {
    // A platform counts versions for each item: the first one of another item is not ours.
    if (now.version === baseline.version && isSameItem(now, baseline)) return attributesOf(now, baseline)
    return sameHash(now, baseline, contentHash) ? 'attributes' : 'content'
  }
  const known = baseline.hash ?? contentHash
  if (now.hash !== undefined && known !== undefined) {
    if (now.hash !== known) return 'content'
    return now.modifiedNs === baseline.modifiedNs ? attributesOf(now, baseline) : 'attributes'
  }
  if (now.sizeBytes !== baseline.sizeBytes) return 'content'
  if (now.modifiedNs !== baseline.modifiedNs) {
    // A time that one of the two never stated says nothing about a change.
    return now.modifiedNs === undefined || baseline.modifiedNs === undefined ? 'unsure' : 'content'
  }
  if (now.changedNs === baseline.changedNs) return attributesOf(now, baseline)
  if (baseline.changedNs === unsettledNs) return 'unsure'
  // A change of owner or mode explains the change time, and costs no reading.
  return attributesOf(now, baseline) === 'attributes' ? 'attributes' : 'unsure'
}

/**
 * Whether nothing but the change time is not as recorded, as after a hard link was made, and a hash of the content would tell
 * whether the bytes are.
 *
 * @param contentHash as for {@link changed}
 */
export function isOnlyTouched(now: Facts, baseline: Facts, contentHash?: string): boolean {
  if (now.hash !== undefined || (baseline.hash ?? contentHash) === undefined) return false
  if (now.sizeBytes !== baseline.sizeBytes || now.version !== baseline.version || !isSameItem(now, baseline))
    return false
  return now.modifiedNs !== undefined && now.modifiedNs === baseline.modifiedNs
}

function isSameItem(now: Facts, baseline: Facts): boolean {
  return now.identity === undefined || baseline.identity === undefined || now.identity === baseline.identity
}

/** A folder has no bytes; its listing says what became of its children. */
export function containerChanged(now: Facts, baseline: Facts): 'no' | 'attributes' {
  return now.modifiedNs === baseline.modifiedNs && attributesOf(now, baseline) === 'no' ? 'no' : 'attributes'
}

/** Recorded as `changedNs`, it says: modified so shortly before it was read that it must be looked at again. */
export const unsettledNs = 0n

/** Kernels step file times by the timer tick, not by the nanosecond they are stored in. */
export const tickNs = 20_000_000n

/**
 * The facts to remember of a source. What changed within the clock's granularity before it was read may have changed again
 * with the same time: without its change time it will be looked at again. So will what changed in the future, by a clock ahead of ours.
 *
 * @param seenNs when it was read, nanoseconds since 1970
 * @param precisionNs of the platform's times
 */
export function settledFacts(facts: Facts, seenNs: bigint, precisionNs: bigint): Facts {
  const { changedNs } = facts
  if (changedNs === undefined || seenNs - changedNs > (precisionNs > tickNs ? precisionNs : tickNs)) return facts
  return { ...facts, changedNs: unsettledNs }
}

function attributesOf(now: Facts, baseline: Facts): 'no' | 'attributes' {
  const differ = now.facets !== undefined && baseline.facets !== undefined && now.facets !== baseline.facets
  return differ ? 'attributes' : 'no'
}

function sameHash(now: Facts, baseline: Facts, contentHash: string | undefined): boolean {
  return now.hash !== undefined && now.hash === (baseline.hash ?? contentHash)
}
