# OpenCV::video. OpenCV's own configuration, and its pkg-config file, ask for every module there is.
find_path(OpenCvVideo_INCLUDE_DIR opencv2/video/tracking.hpp PATH_SUFFIXES opencv4)
find_library(OpenCvVideo_LIBRARY opencv_video)
find_library(OpenCvVideo_CORE_LIBRARY opencv_core)
mark_as_advanced(OpenCvVideo_INCLUDE_DIR OpenCvVideo_LIBRARY OpenCvVideo_CORE_LIBRARY)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OpenCvVideo REQUIRED_VARS OpenCvVideo_LIBRARY OpenCvVideo_CORE_LIBRARY OpenCvVideo_INCLUDE_DIR)
if(OpenCvVideo_FOUND AND NOT TARGET OpenCV::video)
  add_library(OpenCV::video UNKNOWN IMPORTED)
  set_target_properties(OpenCV::video PROPERTIES
    IMPORTED_LOCATION ${OpenCvVideo_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${OpenCvVideo_INCLUDE_DIR}
    INTERFACE_LINK_LIBRARIES ${OpenCvVideo_CORE_LIBRARY})
endif()
