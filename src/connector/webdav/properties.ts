/** Bodies of requests about properties; names are in Clark notation, `{DAV:}getetag`. */

export function propfindBody(properties: readonly string[]): Buffer {
  const known = bodies.get(properties)
  if (known) return known
  const body = document('D:propfind', `<D:prop>${properties.map((name) => empty(name)).join('')}</D:prop>`)
  bodies.set(properties, body)
  return body
}

/** A session asks the same of everything it lists. */
const bodies = new WeakMap<readonly string[], Buffer>()

export function propertyUpdate(properties: Readonly<Record<string, string>>): Buffer {
  const set = Object.entries(properties).map(([name, value]) => element(name, escaped(value)))
  return document('D:propertyupdate', `<D:set><D:prop>${set.join('')}</D:prop></D:set>`)
}

function document(root: string, inner: string): Buffer {
  return Buffer.from(`<?xml version="1.0" encoding="utf-8"?><${root} xmlns:D="DAV:">${inner}</${root}>`)
}

function empty(name: string): string {
  return element(name, '')
}

function element(name: string, inner: string): string {
  const [, space = '', local = ''] = /^\{([^}]*)\}(.+)$/.exec(name) ?? []
  return `<p:${local} xmlns:p="${escaped(space)}">${inner}</p:${local}>`
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
