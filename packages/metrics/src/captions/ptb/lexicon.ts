// The words that the Penn Treebank tokenizer treats specially. In each list, a small letter stands for either case, a
// capital only for itself, and "=x" only for the small x. The lists come from observation: PTBTokenizer 3.4.1 got all
// words of up to five letters and the words of a dictionary, and the lists record which keep their full stop or are
// split.

/** Abbreviations that may end a sentence with their full stop: "Inc. The" has two full stops. */
export const closing =
  "al ala apr ariz Ark assn aug Az bhd bldg blvd bros calif co colo conn corp cos ct dak dec Del ed.d esq est etc ext " +
  "feb fla fri ga Ill inc ind intl jan jr jul jun kan kans ky La ltd mar Mass md mich minn Miss mo mon mont neb " +
  "nev nov oct okla Ore Pa penn ph.d plc ppt=e ppt=es ppt=y ppt=ys pt=e pt=es pt=y pt=ys rd rt sep sept seq sq sr sys tel tenn Tex " +
  "thu thurs tue tues univ va vt Wash wed wis wisc wyo";

/** Abbreviations after which a sentence continues, such as titles: "Dr. The" has one full stop. */
export const leading =
  "adj adm adv alex assoc asst atty attys ave brig capt cf cie cmdr col comdr cpl dept det dr drs elec ens ft gen gov " +
  "govs hon insp invt jos lieut lt maj messrs m=fg mlle mme mr mrs ms msgr mt m=tg natl pfc ph pres prof profs " +
  "pvt rep reps rev sen sens sfc sgt spc st ste supt supts treas vs wm";

/** Abbreviations only before a number: "No. 5", but "No . thanks". */
export const numbering = "art ca fig figs no nos op pp prop";

/** Words that start a sentence. After an acronym, the acronym's full stop ends the previous sentence. */
export const openers =
  "A About According Additionally After An As At But Earlier He Her Here However If In It Last Many More Mr. Ms. " +
  "Now Once One Other Our She Since So Some Such That The Their Then There These They This We What When While Yet You";

/** Words that are split in two, with the position of the split. */
export const contracted = "can|not gim|me gon|na got|ta lem|me wan|na 't|is 't|was";

/**
 * Words with an apostrophe that stay whole. "'" stands for any form of it, "`" for any single-stroke quotation mark.
 */
export const whole = "d' j' l' ol' c'est cap'n dunkin' somethin' 'em 'til 'till 'cause";

/** The same, but only with the straight apostrophe. */
export const wholeIfStraight = "c'mon e'er ev'ry li'l nat'l nor'easter";

/** Prefixes that stay together with "-U.S" and "-U.S.". */
export const beforeUS = "canada eu japan korean non sino";

/** Names between "&" and ";" that stay unchanged. */
export const entities = "cdq ht lr odq qc ql qr tl ur";

/** Top-level domains of addresses that need no "www.". */
export const topDomains = "com edu net org";

/** The Penn Treebank's names of brackets. */
export const bracketNames = "lrb rrb lsb rsb lcb rcb";

/** File name extensions. */
export const fileEndings =
  "bat bmp c cgi cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3 pdf php pl png ppt ps py sql " +
  "tar txt wav x xml zip";
