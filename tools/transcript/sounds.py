"""The classes of speech sounds and a text as a chain of them: the same tables as src/engine/kokoro/sounds.c."""
import numpy as np

SOUNDS = ["_"] + list("iyɨɯuɪʊeœəɜɤoɛʌɔæaɑ") + list("pbtdkɡmnɲŋfvβθðszʃʒçxhʁɾɹljwʧʤʦ")
INDEX = {c: i for i, c in enumerate(SOUNDS)}
OTHERS = {"A": "eɪ", "I": "aɪ", "O": "oʊ", "W": "aʊ", "Y": "ɔɪ", "Q": "əʊ", "ᵻ": "ɪ", "ᵊ": "ə", "ɚ": "ɜ", "T": "ɾ",
          "r": "ɾ", "ɸ": "f", "S": "s", "ɰ": "w", "ɒ": "ɔ", "ɣ": "ɡ", "ʝ": "j", "ʣ": "z", "ɻ": "ɹ", "ɥ": "y",
          "ø": "œ", "ɴ": "ŋ", "ʂ": "ʃ", "ɕ": "ʃ", "ʨ": "ʧ", "ꭧ": "ʧ", "ʥ": "ʤ", "ɐ": "ə", "ʎ": "j", "ɟ": "ʤ",
          "c": "k", "ɽ": "ɾ", "ʋ": "v", "ɳ": "n", "ʈ": "t", "ɖ": "d", "χ": "x", "q": "k"}
PAUSES = set(" .,;:!?…—()“”\"")


def chain(phonemes):
    """Sounds of a text with a silence (0) between words and at both ends."""
    out = [0]
    for c in phonemes:
        if c in PAUSES:
            if out[-1]:
                out.append(0)
        else:
            out += [INDEX[x] for x in OTHERS.get(c, c) if x in INDEX]
    return np.array(out + [0] if out[-1] else out)
