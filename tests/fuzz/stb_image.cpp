// stb_image as the program calls it, in place of Debian's library: compiled here, the sanitizers
// see into it.
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
