import { WordList } from './find.ts'
import { soundOfToken } from './pinyin.ts'

/** A name that a stretch of a text sounds like, whether it is written so or not. */
export interface Heard {
  readonly name: string
  readonly from: number
}

/** Finds names of Han characters by their sound, in one walk through a text. */
export class NamesBySound {
  private readonly sounds = new WordList()
  private readonly names = new Map<string, string>()
  /** A sound stands as one unit, so that places in a text and in its sound are the same. */
  private readonly units = new Map<string, string>()

  /** Of names that sound alike the first is kept. */
  add(name: string): void {
    const sound = this.soundOf(name)
    if (sound.includes(NO_SOUND) || this.names.has(sound)) return
    this.names.set(sound, name)
    this.sounds.add(sound)
  }

  findIn(text: string): Heard[] {
    return this.sounds
      .findIn(this.soundOf(text))
      .map(({ word, from }) => ({ name: this.names.get(word) ?? '', from }))
  }

  private soundOf(text: string): string {
    let sound = ''
    for (let i = 0; i < text.length; i++) {
      const [syllable] = HAN.test(text.charAt(i)) ? soundOfToken(text.charAt(i)) : []
      if (syllable === undefined) sound += NO_SOUND
      else {
        let unit = this.units.get(syllable)
        if (unit === undefined) {
          unit = String.fromCharCode(FIRST_UNIT + this.units.size)
          this.units.set(syllable, unit)
        }
        sound += unit
      }
    }
    return sound
  }
}

const HAN = /\p{Script=Han}/u
const NO_SOUND = '\0'
/** Private use: no text holds it. */
const FIRST_UNIT = 0xe000
