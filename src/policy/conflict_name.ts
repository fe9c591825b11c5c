/** What a refused character of the suffix may have become, besides itself. */
const conflictCopy =
  /.[ _\-x0][(_\-x0]conflict([ _\-x0][+-]?\d{4,6}-\d\d-\d\dT\d{6}Z)?([ _\-x0][0-9a-f]{8})?([ _\-x0]\d+)?[)_\-x0](\.[^.]*)?$/

/** Whether a name says that it is a conflict copy of ours. Such a file is never itself kept as one (brake 11). */
export function isConflictCopy(name: string): boolean {
  return conflictCopy.test(name)
}

/** The last moment `Date` knows, either way. */
const boundMs = 8_640_000_000_000_000n

/**
 * ` (conflict 2024-03-01T101530Z)`: the time is that of the content's last modification, in UTC, so that planning again
 * says the same.
 *
 * @param tag tells apart what would be one otherwise
 */
export function conflictSuffix(modifiedNs: bigint | undefined, tag: string): string {
  const time = modifiedNs === undefined ? '' : ` ${stamp(modifiedNs)}`
  return ` (conflict${time}${tag === '' ? '' : ` ${tag}`})`
}

/** Eight hex digits for a name that has to be cut, so that two long names stay two. */
export function nameHash(name: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** `2024-03-01T101530Z`, rounded towards 1970 to the second. */
function stamp(ns: bigint): string {
  let ms = ns / 1_000_000n
  if (ms > boundMs) ms = boundMs
  if (ms < -boundMs) ms = -boundMs
  return new Date(Number(ms))
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '')
}
