import { XMLParser } from 'fast-xml-parser'
import { ConnectorError } from '../errors.ts'

const lists = new Set(['Contents', 'CommonPrefixes', 'Part', 'Upload'])
const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  // A key that looks like a number is one all the same.
  parseTagValue: false,
  trimValues: false,
  // The five of XML, and characters by number.
  processEntities: true,
  htmlEntities: true,
  isArray: (name) => lists.has(name),
})

export type Xml = { [name: string]: Xml | Xml[] | string | undefined }

/** The one element of an answer, its text as text. */
export function parseXml(text: string, root: string): Xml {
  let parsed: Xml
  try {
    parsed = parser.parse(text) as Xml
  } catch (error) {
    throw new ConnectorError('Unreachable', `the server answered no XML: ${(error as Error).message}`, { cause: error })
  }
  const element = parsed[root]
  // An element with nothing in it is parsed as a text.
  if (typeof element === 'string' && element.trim() === '') return {}
  if (typeof element !== 'object' || Array.isArray(element)) {
    const there = Object.keys(parsed).join(', ')
    throw new ConnectorError('Unreachable', `the server answered ${there || 'nothing'} instead of ${root}`)
  }
  return element
}

export function textOf(xml: Xml, name: string): string | undefined {
  const value = xml[name]
  return typeof value === 'string' ? value : undefined
}

export function listOf(xml: Xml, name: string): Xml[] {
  const value = xml[name]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'object') : []
}

/** Where an answer may be an error although its status says otherwise. */
export function errorIn(text: string): { code: string | undefined; message: string | undefined } | undefined {
  if (!/<Error[\s>]/.test(text)) return undefined
  try {
    const error = parseXml(text, 'Error')
    return { code: textOf(error, 'Code'), message: textOf(error, 'Message') }
  } catch {
    return undefined
  }
}

/** As S3 encodes keys in a listing. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    throw new ConnectorError('Unreachable', `the server listed a key that is no URL encoding: ${text}`, {
      cause: error,
    })
  }
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
