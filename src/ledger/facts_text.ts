import type { Facts } from '../connector/item.ts'
import type { FactsColumns } from './columns.ts'

/**
 * Facts as one text, the form in which they cross to the ledger's thread and are stored: nobody searches by them, and one
 * column instead of seven halves what a row costs. I/O threads pack and unpack, so that the ledger's thread need not.
 *
 * `identity ⇥ version ⇥ hash ⇥ size ⇥ modified ⇥ changed ⇥ facets`; absent is empty, numbers are decimal.
 */
export function packFacts(facts: Facts): string {
  const { identity, version, hash, sizeBytes, modifiedNs, changedNs, facets } = facts
  return `${quote(identity)}\t${quote(version)}\t${quote(hash)}\t${sizeBytes}\t${modifiedNs ?? ''}\t${changedNs ?? ''}\t${quote(facets)}`
}

/** What is recorded of something on a side where it never was. */
export const nothingText = packFacts({ sizeBytes: 0n })

export function packColumns(columns: FactsColumns): string[] {
  const { identity, version, hash, sizeBytes, modifiedNs, changedNs, facets } = columns
  const packed = new Array<string>(sizeBytes.length)
  for (let i = 0; i < sizeBytes.length; i++) {
    packed[i] =
      `${quote(identity[i])}\t${quote(version[i])}\t${quote(hash[i])}\t${sizeBytes[i]}\t${modifiedNs[i] ?? ''}\t${changedNs[i] ?? ''}\t${quote(facets[i])}`
  }
  return packed
}

export function unpackFacts(text: string): Facts {
  const [identity, version, hash, size, modified, changed, facets] = text.split('\t')
  const facts: Facts = { sizeBytes: BigInt(size ?? '0') }
  if (identity) facts.identity = unquote(identity)
  if (version) facts.version = unquote(version)
  if (hash) facts.hash = unquote(hash)
  if (modified) facts.modifiedNs = BigInt(modified)
  if (changed) facts.changedNs = BigInt(changed)
  if (facets) facts.facets = unquote(facets)
  return facts
}

/** Sizes as the ledger sums them: exact up to 8 PiB per item, which is more than any platform stores. */
export function countedSize(sizeBytes: bigint): number {
  return sizeBytes > largest ? Number.MAX_SAFE_INTEGER : Number(sizeBytes)
}

const largest = BigInt(Number.MAX_SAFE_INTEGER)

// Change tokens come from servers and may hold anything.
const special = /[\t\\\0]/
function quote(text: string | undefined): string {
  if (text === undefined) return ''
  if (text === '') return '\\e'
  return special.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\0', '\\0') : text
}

function unquote(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(.)/g, (_, c: string) => (c === 't' ? '\t' : c === '0' ? '\0' : c === 'e' ? '' : c))
}
