import { lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

interface Made {
  files: number
  folders: number
  bytes: number
}

const mebibyte = 1024 * 1024

/** The destination takes files up to this; one of the tree's is larger. */
export const largestFile = 8 * mebibyte

/** Worth asking about afterwards: too large for the destination. */
export const tooLarge = 'Media/Town hall 2023.mp4'

/**
 * A small company's file share: about 2,000 files that are like each other, and one of each kind that makes migrations
 * hard. The same every time.
 */
export function makeTree(root: string): Made {
  const made: Made = { files: 0, folders: 0, bytes: 0 }
  const folders = new Map<string, Date>()
  const random = sequence(20_240_601)

  const folder = (path: string, when?: Date): void => {
    if (folders.has(path)) return
    const parent = dirname(path)
    if (parent !== '.') folder(parent)
    mkdirSync(join(root, path), { recursive: true })
    folders.set(path, when ?? day(2012 + Math.floor(random() * 12), random))
    made.folders++
  }
  const file = (path: string, content: string | Uint8Array, when?: Date): void => {
    if (dirname(path) !== '.') folder(dirname(path))
    writeFileSync(join(root, path), content)
    const modified = when ?? day(2012 + Math.floor(random() * 12), random)
    utimesSync(join(root, path), modified, modified)
    made.files++
    made.bytes += Buffer.byteLength(content)
  }

  mkdirSync(root, { recursive: true })
  everydayFiles(file, random)
  oddities(file, folder, random)

  symlinkSync('../Projects/Harbour crane/2023/Plan 01.md', join(root, 'Media/current plan'))
  lutimesSync(join(root, 'Media/current plan'), day(2023, random), day(2023, random))
  made.files += 1

  // Deepest first: what happens inside a folder changes the folder's own time.
  for (const [path, when] of [...folders].sort(([a], [b]) => b.length - a.length))
    utimesSync(join(root, path), when, when)
  return made
}

type AddFile = (path: string, content: string | Uint8Array, when?: Date) => void
type AddFolder = (path: string, when?: Date) => void

function everydayFiles(file: AddFile, random: () => number): void {
  const shelves: [string, string, string][] = [
    ['Finance', 'Invoices', 'Invoice %.pdf'],
    ['Finance', 'Reports', 'Report %.xlsx'],
    ['People', 'Contracts', 'Contract %.docx'],
    ['Projects/Harbour crane', '', 'Plan %.md'],
    ['Projects/Warehouse 7', '', 'Measurement %.csv'],
    ['Sales/Customers', 'Offers', 'Offer %.docx'],
  ]
  for (const [shelf, inner, name] of shelves)
    for (let year = 2015; year <= 2023; year++)
      for (let n = 1; n <= 37; n++) {
        const folder = [shelf, String(year), inner].filter((part) => part !== '').join('/')
        const path = `${folder}/${name.replace('%', String(n).padStart(2, '0'))}`
        file(path, paragraphs(path, 300 + Math.floor(random() ** 3 * 30_000)), day(year, random))
      }
}

function oddities(file: AddFile, folder: AddFolder, random: () => number): void {
  folder('Projects/Not started yet', new Date('2020-02-29T12:00:00Z'))
  file('Überblick – Größen & Maße.txt', 'Länge, Breite, Höhe\n')
  file('Projects/日本語/計画 2024.md', '# 計画\n')
  file('Media/🚀 Launch party 🎉.txt', 'Cake at four.\n')
  file('Media/crème brûlée (été).txt', 'Sucre, crème, patience.\n')
  file('  two leading spaces.txt', 'They are part of the name.\n')
  // What Windows forbids, and this destination with it: these arrive under other names.
  file('Sales/What? Why: a "list" of <ideas>.txt', 'Everything a file name can hold.\n')
  file('Sales/50 | 50 * split.txt', 'Half and half.\n')
  file('Sales/CON.txt', 'Once a device.\n')
  file('Sales/ends with a dot.', 'Windows drops it.\n')
  // Two names that are one where letters have no case.
  file('Sales/Readme.md', 'The first.\n')
  file('Sales/README.md', 'The second.\n')
  file('.hidden-settings', 'colour = blue\n')
  file('Finance/empty.txt', '')
  file('Media/before the epoch.txt', 'One small step.\n', new Date('1969-07-20T20:17:40Z'))
  file('Media/from the future.txt', 'Not yet.\n', new Date('2040-01-01T00:00:00Z'))
  file('Media/Safety training.mp4', noise(3 * mebibyte, random))
  file(tooLarge, noise(largestFile + mebibyte, random))
}

function paragraphs(title: string, length: number): string {
  const line = `${title}: wares, weights and measures, as agreed on the quay.\n`
  return line.repeat(Math.ceil(length / line.length)).slice(0, length)
}

function noise(length: number, random: () => number): Uint8Array {
  const words = new Uint32Array(length / 4)
  for (let i = 0; i < words.length; i++) words[i] = Math.floor(random() * 2 ** 32)
  return new Uint8Array(words.buffer)
}

function day(year: number, random: () => number): Date {
  return new Date(
    Date.UTC(year, Math.floor(random() * 12), 1 + Math.floor(random() * 28), 9, Math.floor(random() * 480)),
  )
}

/** Park and Miller's generator: numbers in [0, 1) that are the same on every machine. */
function sequence(seed: number): () => number {
  let state = seed % 2_147_483_647
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return (state - 1) / 2_147_483_646
  }
}
