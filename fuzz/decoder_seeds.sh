#!/bin/sh
# Make the seeds of the decoders' fuzz targets, fuzz/corpus/decode_pcm and decode_aac, anew: short tones by ffmpeg in
# each of the containers and codecs that the decoders take. They are our own and hold nothing of anybody else's.
#
#     fuzz/decoder_seeds.sh        Debian 12's ffmpeg 5.1 gives the committed bytes
set -eu
cd "$(dirname "$0")/corpus"

# $1: seconds, $2: channels, $3: rate, $4: file, then ffmpeg's options
tone() {
    seconds=$1 channels=$2 rate=$3 file=$4
    shift 4
    ffmpeg -v error -y -f lavfi -i "aevalsrc=0.5*sin(2*PI*(220+400*t)*t):s=$rate:d=$seconds" -ac "$channels" \
        -map_metadata -1 -fflags +bitexact -flags:a +bitexact "$@" "$file"
}

for codec in u8 s16le s24le s32le f32le f64le alaw mulaw; do
    tone 0.02 1 24000 decode_pcm/$codec -c:a pcm_$codec -f wav
done
tone 0.02 2 24000 decode_pcm/extensible -c:a pcm_s24le -f wav
tone 0.02 1 24000 decode_pcm/rf64 -c:a pcm_s16le -rf64 always -f wav
tone 0.1 1 24000 decode_pcm/mp3 -c:a libmp3lame -b:a 32k -id3v2_version 0 -write_xing 0 -f mp3
tone 0.1 2 48000 decode_pcm/mp3-joint -c:a libmp3lame -b:a 64k -joint_stereo 1 -id3v2_version 0 -f mp3
tone 0.15 1 24000 decode_pcm/mp3-vbr-id3 -c:a libmp3lame -q:a 6 -metadata title=tone -f mp3
tone 0.2 1 24000 decode_aac/adts -c:a aac -b:a 32k -f adts
tone 0.15 1 24000 decode_aac/m4a -c:a aac -b:a 32k -f ipod
tone 0.15 1 24000 decode_aac/faststart -c:a aac -b:a 32k -movflags +faststart -f mp4
tone 0.15 1 24000 decode_aac/fragments -c:a aac -b:a 32k -movflags +frag_keyframe+empty_moov -frag_duration 60000 -f mp4
tone 0.1 2 24000 decode_aac/mov -c:a aac -b:a 48k -f mov
tone 0.1 1 24000 decode_aac/alac -c:a alac -f ipod
