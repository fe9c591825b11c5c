import { comparable, compilePattern } from './filter_pattern.ts'
import { filterExtension } from './filter_extension.ts'
import type { CompiledRule } from './rule.ts'

/** Predefined file types: extensions, or patterns where an extension can't say it. */
export const filterGroups: Readonly<Record<string, { extensions?: readonly string[]; patterns?: readonly string[] }>> =
  {
    Audio: {
      extensions: words(
        'aac ac3 aif aifc aiff amr ape au caf flac m3u m4a m4b mid midi mka mp2 mp3 mpa oga ogg opus ra wav wma wv',
      ),
    },
    Windows: { extensions: words('lnk db sdf msp bas mdb msc dsb dbx mda nch wms tmp ini inf') },
    Executables: {
      extensions: words(
        'app apk bin bat exe com command cmd dll msi ps1 job msp prg csh reg rgs vb vbs vbscript cpl jscript',
      ),
    },
    Movies: {
      extensions: words(
        '3g2 3gp asf avi f4v flv m2ts m2v m4v mkv mov mp4 mpeg mpg mts mxf ogv qt rm rmvb ts vob webm wmv',
      ),
    },
    Images: {
      extensions: words(
        'ai arw avif bmp cr2 cr3 dng emf eps gif heic heif ico jfif jp2 jpeg jpg jxl nef orf png psd raf raw rw2 svg tga tif tiff webp wmf',
      ),
    },
    Temporary: {
      patterns: [
        '*.tmp',
        '*.temp',
        '~$*.doc*',
        '~$*.xls*',
        '~$*.ppt*',
        '.~lock.*#',
        '*.crdownload',
        '*.part',
        '*.swp',
        '*~',
      ],
    },
    Documents: {
      extensions: words(
        'csv doc docm docx dot dotm dotx epub htm html key md numbers odp ods odt pages pdf pot potx pps ppsx ppt pptm pptx ps rtf tex txt vsd vsdx wpd xls xlsb xlsm xlsx xlt xltx xml xps',
      ),
    },
  }

/** Files by type. @throws Error for a group nobody knows */
export function filterGroup(groups: readonly string[]): CompiledRule {
  const extensions: string[] = []
  const patterns: ((name: string) => boolean)[] = []
  for (const wanted of groups) {
    const name = Object.keys(filterGroups).find((known) => known.toLowerCase() === wanted.toLowerCase())
    const group = name === undefined ? undefined : filterGroups[name]
    if (!group)
      throw new Error(`filter_group: ${JSON.stringify(wanted)} is none of ${Object.keys(filterGroups).join(', ')}`)
    extensions.push(...(group.extensions ?? []))
    patterns.push(...(group.patterns ?? []).map(compilePattern))
  }
  const byExtension = filterExtension(extensions)
  return {
    type: 'filter_group',
    text: `file type is one of ${groups.join(', ')}`,
    matches: (item, path) => {
      if (item.kind === 'container') return false
      if (byExtension.matches(item, path)) return true
      if (patterns.length === 0) return false
      const name = comparable(item.name)
      return patterns.some((pattern) => pattern(name))
    },
  }
}

function words(text: string): string[] {
  return text.split(' ')
}
