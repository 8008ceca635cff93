# The Debian 12 packages that Timbre needs, in one place. Read by scripts/setup and, by name, in docs.
BUILD_PACKAGES="gcc make pkg-config libc6-dev libwebsockets-dev libjansson-dev libsqlite3-dev libcurl4-openssl-dev
    libsndfile1-dev libsoxr-dev libmp3lame-dev libopusenc-dev libicu-dev libmecab-dev libespeak-ng-dev libseccomp-dev
    libssl-dev libavformat-dev libavcodec-dev libavutil-dev"
RUN_PACKAGES="espeak-ng-data open-jtalk-mecab-naist-jdic python3 python3-venv ca-certificates util-linux"
TEST_PACKAGES="libcmocka-dev libsimde-dev espeak-ng ffmpeg curl"
# For the clients in the tests; setup asks for them only where their commands are missing.
JAVA_PACKAGES="default-jdk-headless maven"
NODE_PACKAGES="nodejs npm"
