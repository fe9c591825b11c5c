import type { Item } from '../connector/item.ts'
import type { CompiledRule } from './rule.ts'

/**
 * Names by pattern: `*` stands for any run of characters, `;` separates several patterns, case does not count. A container
 * that matches stands for everything in it.
 */
export function filterPattern(text: string, targets: readonly ('container' | 'item')[]): CompiledRule {
  const patterns = text
    .split(';')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '')
    .map(compilePattern)
  const named = (name: string): boolean => {
    const plain = comparable(name)
    return patterns.some((pattern) => pattern(plain))
  }
  const containers = targets.includes('container')
  const items = targets.includes('item')
  const rule: CompiledRule = {
    type: 'filter_pattern',
    text: `name is like ${JSON.stringify(text)}`,
    matches: (item: Item) => (item.kind === 'container' ? containers : items) && named(item.name),
  }
  if (containers) rule.coveredBy = (path) => namesAbove(path).some(named)
  return rule
}

/** Without backtracking into earlier stars: linear in the name for each star, whatever the pattern. */
export function compilePattern(pattern: string): (comparableName: string) => boolean {
  const parts = comparable(pattern).split('*')
  const first = parts[0] ?? ''
  if (parts.length === 1) return (name) => name === first
  const last = parts.at(-1) ?? ''
  const middle = parts.slice(1, -1).filter((part) => part !== '')
  const shortest = parts.reduce((n, part) => n + part.length, 0)
  return (name) => {
    if (name.length < shortest || !name.startsWith(first) || !name.endsWith(last)) return false
    let at = first.length
    const end = name.length - last.length
    for (const part of middle) {
      const found = name.indexOf(part, at)
      if (found < 0 || found + part.length > end) return false
      at = found + part.length
    }
    return at <= end
  }
}

/** Names typed on one system and stored on another: without case, in one Unicode form. */
export function comparable(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

function namesAbove(path: string): string[] {
  return path.split('/').slice(1, -1)
}
