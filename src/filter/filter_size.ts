import type { CompiledRule } from './rule.ts'

/**
 * Files by size. `min` and `max` name the sizes that are wanted, for either action: excluding leaves out what is smaller
 * than `min` or larger than `max`; including carries what is from `min` to `max`.
 */
export function filterSize(
  action: 'include' | 'exclude',
  range: { minBytes?: bigint; maxBytes?: bigint },
): CompiledRule {
  const { minBytes, maxBytes } = range
  const within = (size: bigint): boolean =>
    (minBytes === undefined || size >= minBytes) && (maxBytes === undefined || size <= maxBytes)
  const including = action === 'include'
  const bounds = [
    ...(minBytes === undefined ? [] : [including ? `at least ${minBytes}` : `under ${minBytes}`]),
    ...(maxBytes === undefined ? [] : [including ? `at most ${maxBytes}` : `over ${maxBytes}`]),
  ]
  return {
    type: 'filter_size',
    text: `size in bytes is ${bounds.join(including ? ' and ' : ' or ')}`,
    matches: (item) => item.kind === 'item' && within(item.sizeBytes) === including,
  }
}
