const token =
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y

/** What may come next. */
type Next = 'value' | 'value or ]' | 'key' | 'key or }' | 'colon' | 'comma or end'

/**
 * Where a text stops being JSON, as `line 2, column 9`: the engine's own message often doesn't say.
 *
 * @param text that `JSON.parse` refuses
 */
export function placeOfError(text: string): string {
  return placeAt(text, offsetOfError(text))
}

/** `line 2, column 9`, both from 1. */
export function placeAt(text: string, at: number): string {
  const before = text.slice(0, at).split('\n')
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
}

function offsetOfError(text: string): number {
  const open: ('{' | '[')[] = []
  let next: Next = 'value'
  token.lastIndex = 0
  for (;;) {
    const start = token.lastIndex
    const found = token.exec(text)
    const place = start + (/^[ \t\r\n]*/.exec(text.slice(start))?.[0].length ?? 0)
    if (!found) return place
    const then = after(next, { mark: found[1], isText: found[2] !== undefined }, open)
    if (!then) return place
    next = then
    if (open.length === 0 && next === 'comma or end' && text.slice(token.lastIndex).trim() === '') return text.length
  }
}

interface Token {
  mark: string | undefined
  isText: boolean
}

/** Undefined when the token may not stand here. */
function after(next: Next, { mark, isText }: Token, open: ('{' | '[')[]): Next | undefined {
  const inside = open.at(-1)
  if (next === 'comma or end') {
    if (mark === ',' && inside !== undefined) return inside === '{' ? 'key' : 'value'
    if ((mark === '}' && inside === '{') || (mark === ']' && inside === '[')) return closed(open)
    return undefined
  }
  if (next === 'colon') return mark === ':' ? 'value' : undefined
  if (next === 'key' || next === 'key or }') {
    if (isText) return 'colon'
    return mark === '}' && next === 'key or }' ? closed(open) : undefined
  }
  if (mark === '{' || mark === '[') {
    open.push(mark)
    return mark === '{' ? 'key or }' : 'value or ]'
  }
  if (mark === undefined) return 'comma or end'
  return mark === ']' && next === 'value or ]' ? closed(open) : undefined
}

function closed(open: ('{' | '[')[]): Next {
  open.pop()
  return 'comma or end'
}
