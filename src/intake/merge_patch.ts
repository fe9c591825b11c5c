import { isObject } from '../json/json.ts'

/** What a document becomes by a change of it (RFC 7396): objects are merged, null takes a key away, all else takes its place. */
export function mergePatch(
  document: Record<string, unknown>,
  change: Record<string, unknown>,
): Record<string, unknown> {
  const merged = { ...document }
  for (const [key, value] of Object.entries(change)) {
    const before = merged[key]
    if (value === null) delete merged[key]
    else if (isObject(value)) merged[key] = mergePatch(isObject(before) ? before : {}, value)
    else merged[key] = value
  }
  return merged
}
